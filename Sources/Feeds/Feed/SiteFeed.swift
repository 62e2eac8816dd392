// SPDX-License-Identifier: Apache-2.0
public import Wire

/// All that a peer knows of one site: the log it follows, the highest head for it, and the histories it did not follow.
///
/// The caller keeps ``encoded`` on disk: this is what protects against being rolled back after a restart.
/// Memory: the log, and at most ``maximumBranches`` branches of 256 KiB.
public struct SiteFeed: Equatable, Sendable {
    /// The log that is followed, complete and read.
    public private(set) var log: SiteLog
    /// The highest head known; ``log`` has exactly its size.
    public private(set) var head: SignedHead
    /// Superseded and forked histories, the oldest first.
    public private(set) var branches: [FeedBranch]

    /// The most histories that are kept beside the log: a further one takes the place of one from the middle.
    public static let maximumBranches = 8

    /// Nil unless `head` is that of `log`.
    public init?(log: SiteLog, head: SignedHead) {
        self.init(log: log, head: head, branches: [])
    }

    init?(log: SiteLog, head: SignedHead, branches: [FeedBranch]) {
        guard log.matches(head), branches.count <= Self.maximumBranches else { return nil }
        self.log = log
        self.head = head
        self.branches = branches
    }

    /// SHA-256 of the site key.
    public var site: Digest256 { log.site }
    /// What the log that is followed says.
    public var state: FeedState { log.state }

    /// Whether two heads of the present writer contradict each other: nothing new is adopted until the keys change.
    public var isQuarantined: Bool { branches.contains { $0.kind == .fork && contradicts($0) } }

    /// Whether who signed that history can still sign ours.
    private func contradicts(_ fork: FeedBranch) -> Bool {
        // Another root record is the site key's word, whatever keys came after it there.
        fork.start == 0 ? head.epoch == FeedEpoch() : fork.head.epoch == head.epoch
    }
}

/// What a head from elsewhere means beside the one that is known.
public enum HeadVerdict: Equatable, Sendable {
    /// The same state of the log.
    case known
    /// An earlier state of the same history: the other side has not heard yet, or plays an old state back.
    case behind
    /// May be newer: to be adopted with the entries from this index on.
    case wanted(from: Int)
    /// The same writer signed a contradiction. Recorded as a branch when it was judged.
    case fork
    case refused(HeadRefusal)
}

/// Why a head is not followed.
public enum HeadRefusal: Equatable, Sendable {
    case otherSite
    /// Signed by a key that may not sign this state.
    case notTheWriter
    /// Of a history that a later key change cut off.
    case superseded
    /// Two heads contradict each other already; only a key change is believed.
    case quarantined
    /// The entries that came with it do not give its root.
    case entriesDiffer
}

extension SiteFeed {
    /// Judges a head whose signature holds (``SignedHead/init(_:)``). A contradiction is kept as a fork.
    public mutating func judge(_ other: SignedHead) -> HeadVerdict { judge(other, without: []) }

    package mutating func judge(_ other: SignedHead, without: Set<FeedDefence>) -> HeadVerdict {
        guard other.site == site else { return .refused(.otherSite) }
        if other.epoch > head.epoch { return .wanted(from: 0) }
        let isPartOfOurs = other.size <= head.size && log.tree.root(at: other.size) == other.root
        if isPartOfOurs { return other.size == head.size ? .known : .behind }
        guard other.epoch == head.epoch else { return .refused(.superseded) }
        guard other.writer == head.writer || without.contains(.writers) else { return .refused(.notTheWriter) }
        if other.size <= head.size {
            keep(FeedBranch(kind: .fork, head: other, start: other.size - 1, entries: []))
            return .fork
        }
        return isQuarantined ? .refused(.quarantined) : .wanted(from: head.size)
    }

    /// Takes over a newer state: `candidate` is a log that was read entry by entry and must be the one `other` signs.
    ///
    /// The verdict is `.known` when it was adopted, else why it was not.
    public mutating func adopt(_ other: SignedHead, log candidate: SiteLog) -> HeadVerdict {
        adopt(other, log: candidate, without: [])
    }

    package mutating func adopt(_ other: SignedHead, log candidate: SiteLog, without: Set<FeedDefence>) -> HeadVerdict {
        guard candidate.site == site, candidate.matches(other, without: without) else {
            return .refused(.entriesDiffer)
        }
        let shared = log.commonPrefix(with: candidate)
        guard shared > 0 else {
            // A second root record with commitments of its own: its key changes prove nothing about ours.
            keep(FeedBranch(kind: .fork, head: other, start: 0, entries: candidate.entries))
            return .fork
        }
        if other.epoch > head.epoch {
            if shared < log.size {
                keep(FeedBranch(kind: .superseded, head: head, start: shared, entries: log.entries[shared...]))
            }
            follow(candidate, other)
            return .known
        }
        guard other.epoch == head.epoch else { return .refused(.superseded) }
        guard shared == log.size else {
            if shared == candidate.size { return .behind }
            keep(FeedBranch(kind: .fork, head: other, start: shared, entries: candidate.entries[shared...]))
            return .fork
        }
        guard !isQuarantined else { return .refused(.quarantined) }
        follow(candidate, other)
        return .known
    }

    private mutating func follow(_ log: SiteLog, _ head: SignedHead) {
        self.log = log
        self.head = head
    }

    fileprivate mutating func keep(_ branch: FeedBranch) {
        let same = branches.firstIndex { $0.head.size == branch.head.size && $0.head.root == branch.head.root }
        if let same {
            // Known by its head alone so far: now it can be shown.
            if branches[same].entries.isEmpty, !branch.entries.isEmpty { branches[same] = branch }
            return
        }
        if branches.count == Self.maximumBranches {
            // A thief can sign forks without end; the first of each kind tells the story.
            branches.remove(at: branches.count / 2)
        }
        branches.append(branch)
    }
}

extension SiteFeed {
    /// Takes over what another copy of the same site's feed learnt: its log where it is newer, and its branches.
    ///
    /// - Returns: what became of the other's log, as ``adopt(_:log:)`` says.
    @discardableResult
    public mutating func merge(_ other: SiteFeed) -> HeadVerdict {
        guard other.site == site else { return .refused(.otherSite) }
        let verdict = adopt(other.head, log: other.log)
        for branch in other.branches { keep(branch) }
        return verdict
    }
}
