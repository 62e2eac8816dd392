// SPDX-License-Identifier: Apache-2.0
public import Keys
public import Wire

/// Brings a reader's knowledge of one site up to what one peer offers, believing nothing unchecked.
///
///     asking ──head──▶ judged ──┬─ known, behind, refused: done
///                               └─ wanted ──entries──▶ complete ──▶ adopted | fork | (once) again from entry 0 | failed
///
/// Memory: the log that is being received, at most ``FeedSpecification/logBytes``.
public struct FeedSync: Sendable {
    /// What the session does with what the sync found out, in order.
    public enum Output: Equatable, Sendable {
        case ask(SiteQuery)
        /// The key that the site id names, checked.
        case key(PublicKey)
        /// What the peer follows: a fact about the peer, whether it is adopted or not.
        case head(SignedHead, holds: [Int64])
        /// The peer's head contradicts ours: kept at once, whether or not its entries follow.
        case evidence(SiteFeed)
        case done(FeedSyncOutcome)
    }

    private enum State: Sendable {
        case idle
        case asking
        case receiving(SignedHead, log: SiteLog?, stream: EntryStream, isFromStart: Bool)
        case done
    }

    /// Whose feed it is; answers that belong to another site are lies.
    public let site: Digest256
    /// What is known, forks found on the way included.
    public private(set) var known: SiteFeed?
    private var state = State.idle

    /// `known` is nil at the first visit.
    public init(site: Digest256, known: SiteFeed?) {
        self.site = site
        self.known = known
    }

    /// Nothing more is asked, and what still comes is ignored.
    public var isDone: Bool {
        if case .done = state { return true }
        return false
    }

    /// The first questions; all may be sent at once.
    public mutating func start() -> [Output] {
        state = .asking
        return known == nil ? [.ask(.key), .ask(.head)] : [.ask(.head)]
    }

    /// Begins from a head that the peer sent by itself.
    public mutating func start(with head: [UInt8]) -> [Output] {
        state = .asking
        return receive(.head(head, holds: []))
    }

    /// The peer does not have what was asked. Without a key a reader can go on; without head or entries it cannot.
    public mutating func refused(_ query: SiteQuery) -> [Output] {
        query == .key || isDone ? [] : finish(.failed(.notHeld))
    }

    /// Takes the peer's answer. Directory nodes and proofs are not for a sync and change nothing.
    public mutating func receive(_ answer: SiteAnswer) -> [Output] {
        switch answer {
        case .key(let key): return key.identifier == site ? [.key(key)] : finish(.failed(.wrongKey))
        case .head(let bytes, let holds):
            guard case .asking = state else { return [] }
            return receiveHead(bytes, holds)
        case .entries(let from, let offset, let bytes): return receiveEntries(from, offset, bytes)
        case .node, .nodes, .proof: return []
        }
    }

    private mutating func finish(_ outcome: FeedSyncOutcome) -> [Output] {
        state = .done
        return [.done(outcome)]
    }
}

/// How asking one peer about a feed ended.
public enum FeedSyncOutcome: Equatable, Sendable {
    /// A newer state was checked and taken over.
    case adopted(SiteFeed)
    /// The peer has what we have.
    case same
    /// The peer has an earlier state, or one that a key change cut off: it should hear ours.
    case peerIsBehind
    /// Two signed histories contradict each other; the feed holds the evidence.
    case fork(SiteFeed)
    case failed(FeedSyncFailure)
}

/// What a peer did wrong, or could not do. All but ``notHeld`` and ``quarantined`` speak against the peer.
public enum FeedSyncFailure: Equatable, Sendable {
    case notHeld
    /// The key does not give the site id.
    case wrongKey
    /// The head's signature does not hold, or it is of another site or by another key.
    case forgedHead
    /// Entries that do not belong to the head, or a part that was not asked for.
    case wrongEntries
    /// The feed is frozen until its keys change.
    case quarantined

    /// Whether the peer gave something that is not the site's: no mistake of an honest holder.
    public var isLie: Bool {
        switch self {
        case .wrongKey, .forgedHead, .wrongEntries: true
        case .notHeld, .quarantined: false
        }
    }
}

extension FeedSync {
    private mutating func receiveHead(_ bytes: [UInt8], _ holds: [Int64]) -> [Output] {
        guard let head = SignedHead(bytes), head.site == site else { return finish(.failed(.forgedHead)) }
        let fact = Output.head(head, holds: holds)
        guard let verdict = known?.judge(head) else { return [fact] + beginEntries(head, from: 0) }
        switch verdict {
        case .known: return [fact] + finish(.same)
        case .behind, .refused(.superseded): return [fact] + finish(.peerIsBehind)
        case .wanted(let from): return [fact] + beginEntries(head, from: from)
        case .fork: return [fact] + receiveFork(head)
        case .refused(.quarantined): return [fact] + finish(.failed(.quarantined))
        case .refused: return [fact] + finish(.failed(.forgedHead))
        }
    }

    /// Two heads prove the fork; what the other history says is asked for once, to be shown.
    private mutating func receiveFork(_ head: SignedHead) -> [Output] {
        guard let known else { return finish(.failed(.forgedHead)) }
        let branch = known.branches.first { $0.head.size == head.size && $0.head.root == head.root }
        guard let branch, branch.entries.isEmpty else { return finish(.fork(known)) }
        return [.evidence(known)] + beginEntries(head, from: 0)
    }

    private mutating func beginEntries(_ head: SignedHead, from: Int) -> [Output] {
        let stream = EntryStream(from: from)
        state = .receiving(head, log: from == 0 ? nil : known?.log, stream: stream, isFromStart: from == 0)
        return [.ask(stream.query)]
    }

    private mutating func receiveEntries(_ from: Int, _ offset: Int, _ bytes: [UInt8]) -> [Output] {
        guard case .receiving(let head, var log, var stream, let isFromStart) = state else { return [] }
        // What belongs to an earlier question of ours is no offence.
        guard stream.query == .entries(from: from, offset: offset) else { return [] }
        // The log is uniquely held while it grows.
        state = .done
        guard !bytes.isEmpty, let entries = stream.receive(bytes) else { return finish(.failed(.wrongEntries)) }
        for entry in entries where (log?.size ?? 0) < head.size {
            do throws(FeedError) {
                if log == nil { log = try SiteLog(site: site, rootEntry: entry) } else { try log?.append(entry) }
            } catch {
                return finish(.failed(.wrongEntries))
            }
        }
        guard let log, log.size == head.size else {
            state = .receiving(head, log: log, stream: stream, isFromStart: isFromStart)
            return [.ask(stream.query)]
        }
        return conclude(head, log, isFromStart: isFromStart)
    }

    private mutating func conclude(_ head: SignedHead, _ log: SiteLog, isFromStart: Bool) -> [Output] {
        guard var feed = known else {
            guard let feed = SiteFeed(log: log, head: head) else { return finish(.failed(.wrongEntries)) }
            return adopt(feed)
        }
        switch feed.adopt(head, log: log) {
        case .known: return adopt(feed)
        case .fork:
            known = feed
            return finish(.fork(feed))
        // Its entries do not continue ours: whether the writer forked shows only in all of them.
        case .refused(.entriesDiffer) where !isFromStart: return beginEntries(head, from: 0)
        case .behind, .refused(.superseded): return finish(.peerIsBehind)
        case .refused(.quarantined): return finish(.failed(.quarantined))
        case .wanted, .refused: return finish(.failed(.wrongEntries))
        }
    }

    private mutating func adopt(_ feed: SiteFeed) -> [Output] {
        known = feed
        return finish(.adopted(feed))
    }
}
