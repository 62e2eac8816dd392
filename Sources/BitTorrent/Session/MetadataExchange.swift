// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Collects an info dictionary from peers (BEP 9), in portions of 16 KiB.
///
/// One attempt is under way at a time, for one size; its portions come from all peers that claim this size. When what
/// came does not hash right and more than one peer took part, the next attempt asks a single peer, so that whoever lies is
/// found. Memory: the size claimed, but only as far as portions came; at most 32 MiB.
struct MetadataExchange {
    /// Portions asked of one peer at once. Transmission answers no more.
    static let requestsPerPeer = 64
    /// Until a portion is asked for again, and until an attempt without progress is given up.
    static let patience = Duration.seconds(10)
    /// Sizes that led nowhere and are left aside.
    static let maximumStalledSizes = 16

    private(set) var size: Int?
    /// Only this peer may fill the attempt.
    private(set) var exclusiveTo: ConnectionID?
    private var portions: [[UInt8]?] = []
    private var missing = 0
    private var requestedAt: [Int: Duration] = [:]
    private(set) var providers: Set<ConnectionID> = []
    /// When a portion last came, or the attempt began.
    private var lastProgress = Duration.zero
    /// Claims of peers that then sent nothing.
    private var stalledSizes: [Int] = []
    /// An assembled dictionary is being hashed.
    private(set) var isChecking = false
    /// The last attempt failed: ask one peer only.
    private var wantsSingleProvider = false

    /// Bytes that are kept.
    var heldBytes: Int { portions.reduce(0) { $0 + ($1?.count ?? 0) } }

    /// Whether this peer's claim can be of use.
    static func isAcceptable(size: Int) -> Bool { (1...TorrentSpecification.maximumMetadataBytes).contains(size) }

    /// The portions to ask of a peer that claims `size` bytes.
    mutating func portionsToRequest(from peer: ConnectionID, size claimed: Int, pending: Int, now: Duration) -> [Int] {
        guard !isChecking, Self.isAcceptable(size: claimed) else { return [] }
        if size == nil {
            guard !stalledSizes.contains(claimed) else { return [] }
            begin(claimed, with: peer)
            lastProgress = now
        }
        guard size == claimed, exclusiveTo == nil || exclusiveTo == peer else { return [] }
        var chosen: [Int] = []
        for index in portions.indices where portions[index] == nil {
            guard pending + chosen.count < Self.requestsPerPeer else { break }
            if let time = requestedAt[index], now - time < Self.patience { continue }
            requestedAt[index] = now
            chosen.append(index)
        }
        return chosen
    }

    private mutating func begin(_ claimed: Int, with peer: ConnectionID) {
        size = claimed
        let count = (claimed + MetadataMessage.portionBytes - 1) / MetadataMessage.portionBytes
        portions = Array(repeating: nil, count: count)
        missing = count
        requestedAt = [:]
        providers = []
        exclusiveTo = wantsSingleProvider ? peer : nil
    }

    /// Takes a portion that was asked for.
    ///
    /// - Returns: the whole dictionary when it was the last one; it is to be checked.
    mutating func receive(_ index: Int, _ bytes: [UInt8], from peer: ConnectionID, now: Duration) -> [UInt8]? {
        guard !isChecking, let size, portions.indices.contains(index), portions[index] == nil,
            bytes.count == min(MetadataMessage.portionBytes, size - index * MetadataMessage.portionBytes),
            exclusiveTo == nil || exclusiveTo == peer
        else { return nil }
        lastProgress = now
        portions[index] = bytes
        missing -= 1
        providers.insert(peer)
        guard missing == 0 else { return nil }
        isChecking = true
        return portions.flatMap { $0 ?? [] }
    }

    /// The peer will not answer for the portion.
    mutating func gaveUp(_ index: Int) { requestedAt[index] = nil }

    /// A peer is gone: an attempt that only it could finish starts anew with another.
    mutating func peerLeft(_ peer: ConnectionID, asked: some Sequence<Int>) {
        for index in asked { requestedAt[index] = nil }
        if !isChecking, exclusiveTo == peer || (providers.isEmpty && requestedAt.isEmpty) { size = nil }
    }

    /// Gives up an attempt that makes no progress: who claimed the size may have made it up.
    mutating func expire(now: Duration) {
        guard !isChecking, now - lastProgress > Self.patience else { return }
        lastProgress = now
        if let size {
            if stalledSizes.count == Self.maximumStalledSizes { stalledSizes.removeFirst() }
            stalledSizes.append(size)
            self.size = nil
            exclusiveTo = nil
        } else {
            // There is no other claim: try them again.
            stalledSizes = []
        }
    }

    /// Nobody connected claims this size any more, or what came was wrong.
    ///
    /// - Returns: the peer to blame, where only one took part.
    mutating func failed() -> ConnectionID? {
        let culprit = providers.count == 1 ? providers.first : nil
        wantsSingleProvider = true
        isChecking = false
        size = nil
        exclusiveTo = nil
        portions = []
        requestedAt = [:]
        providers = []
        return culprit
    }
}
