// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Collects an info dictionary from peers (BEP 9), in portions of 16 KiB.
///
/// There is one attempt for each size that peers claim, a few at a time, so that who claims a size and lets its portions
/// dribble holds up nobody else; its portions come from all who claim this size. When what came does not hash right and more
/// than one peer took part, each further attempt asks a single peer, so that whoever lies is found. Memory: what was claimed,
/// but only as far as portions came: at most ``maximumBytes``.
struct MetadataExchange {
    /// Portions asked of one peer at once. Transmission answers no more.
    static let requestsPerPeer = 64
    /// Until a portion is asked for again, until an attempt without progress is given up, and until the slowest may have to
    /// make room for another.
    static let patience = Duration.seconds(10)
    /// Claims that led nowhere and are left aside.
    static let maximumStalledClaims = 16
    static let maximumAttempts = 4
    /// What the attempts may claim together; two of the longest fit.
    static let maximumBytes = 2 * TorrentSpecification.maximumMetadataBytes

    /// A size, or one peer's word for it.
    private struct Claim: Equatable {
        var size: Int
        var peer: ConnectionID?
    }

    private var attempts: [MetadataAttempt] = []
    /// Claims that then brought nothing, or the least.
    private var stalled: [Claim] = []
    /// An assembled dictionary that is being hashed.
    private var checking: MetadataAttempt?
    /// An attempt failed: ask one peer at a time.
    private var wantsSingleProvider = false
    /// Since when nothing is being attempted.
    private var idleSince: Duration?

    /// Bytes that are kept.
    var heldBytes: Int { attempts.reduce(0) { $0 + $1.heldBytes } }

    /// Whether this peer's claim can be of use.
    static func isAcceptable(size: Int) -> Bool { (1...TorrentSpecification.maximumMetadataBytes).contains(size) }

    /// The sizes that are being attempted.
    var sizes: [Int] { attempts.map(\.size) }

    /// Whether portions of an attempt are awaited from the peer.
    func isMember(_ peer: ConnectionID) -> Bool { attempts.contains { $0.members.contains(peer) } }

    // MARK: Asking

    /// The portions to ask of a peer that claims `size` bytes.
    mutating func portionsToRequest(from peer: ConnectionID, size claimed: Int, pending: Int, now: Duration) -> [Int] {
        guard Self.isAcceptable(size: claimed), let index = attempt(for: peer, claimed, now) else { return [] }
        for other in attempts.indices where other != index { attempts[other].members.remove(peer) }
        attempts[index].members.insert(peer)
        return attempts[index].takeDue(Self.requestsPerPeer - pending, now)
    }

    private mutating func attempt(for peer: ConnectionID, _ claimed: Int, _ now: Duration) -> Int? {
        if let known = attempts.firstIndex(where: { $0.size == claimed && $0.isOpen(to: peer) }) { return known }
        // What came of this size may well be right.
        guard checking?.size != claimed, !attempts.contains(where: { $0.size == claimed && $0.isComplete }),
            !stalled.contains(where: { $0.size == claimed && ($0.peer ?? peer) == peer }), makeRoom(for: claimed, now)
        else { return nil }
        attempts.append(MetadataAttempt(claimed, exclusiveTo: wantsSingleProvider ? peer : nil, now: now))
        return attempts.count - 1
    }

    /// Where there is no room the slowest has to go, once it has had its time.
    private mutating func makeRoom(for claimed: Int, _ now: Duration) -> Bool {
        while attempts.count >= Self.maximumAttempts || attempts.reduce(claimed, { $0 + $1.size }) > Self.maximumBytes {
            let old = attempts.indices.filter { !attempts[$0].isComplete && now - attempts[$0].start > Self.patience }
            guard let slowest = old.min(by: { attempts[$0].rate(now) < attempts[$1].rate(now) }) else { return false }
            putAside(attempts.remove(at: slowest))
        }
        return true
    }

    private mutating func putAside(_ attempt: MetadataAttempt) {
        if stalled.count == Self.maximumStalledClaims { stalled.removeFirst() }
        stalled.append(Claim(size: attempt.size, peer: attempt.exclusiveTo))
    }

    // MARK: What comes of it

    /// Takes a portion that was asked for.
    ///
    /// - Returns: the whole dictionary when it was the last one; it is to be checked.
    mutating func receive(_ index: Int, _ bytes: [UInt8], from peer: ConnectionID, now: Duration) -> [UInt8]? {
        guard let place = attempts.firstIndex(where: { $0.members.contains(peer) }) else { return nil }
        attempts[place].receive(index, bytes, from: peer, now)
        return takeComplete()
    }

    /// A dictionary that is to be checked, where none is being checked.
    mutating func takeComplete() -> [UInt8]? {
        guard checking == nil, let place = attempts.firstIndex(where: \.isComplete) else { return nil }
        let whole = attempts.remove(at: place)
        checking = whole.withoutBytes
        return whole.bytes
    }

    /// The peer will not answer for the portion.
    mutating func gaveUp(_ index: Int, _ peer: ConnectionID) {
        for place in attempts.indices where attempts[place].members.contains(peer) { attempts[place].gaveUp(index) }
    }

    /// A peer is gone: an attempt that only it could finish starts anew with another.
    mutating func peerLeft(_ peer: ConnectionID, asked: some Sequence<Int>) {
        let asked = Array(asked)
        for place in attempts.indices where attempts[place].members.remove(peer) != nil {
            for index in asked { attempts[place].gaveUp(index) }
        }
        attempts.removeAll { !$0.isComplete && ($0.exclusiveTo == peer || $0.isUntouched) }
    }

    /// Gives up attempts that make no progress: who claimed the size may have made it up.
    mutating func expire(now: Duration) {
        for attempt in attempts where Self.isOverdue(attempt, now) { putAside(attempt) }
        attempts.removeAll { Self.isOverdue($0, now) }
        guard attempts.isEmpty, checking == nil else {
            idleSince = nil
            return
        }
        let since = idleSince ?? now
        idleSince = since
        // There is no other claim: try them again.
        if now - since > Self.patience { stalled = [] }
    }

    private static func isOverdue(_ attempt: MetadataAttempt, _ now: Duration) -> Bool {
        !attempt.isComplete && now - attempt.lastProgress > patience
    }

    /// What was checked is wrong.
    ///
    /// - Returns: the peer to blame, where only one took part.
    mutating func failed() -> ConnectionID? {
        defer { checking = nil }
        wantsSingleProvider = true
        guard let providers = checking?.providers, providers.count == 1 else { return nil }
        return providers.first
    }
}
