// SPDX-License-Identifier: Apache-2.0
public import Wire

/// How asking one peer for its feed ended.
public enum SiteSyncOutcome: Equatable, Sendable {
    /// The peer proved what is known here now: it is a holder of the newest state.
    case agreed
    /// The peer follows an earlier state.
    case behind
    case failed(FeedSyncFailure)
    /// No connection, or none any more.
    case unreachable
    /// What it sent could not be written to disk.
    case notKept
}

/// Puts together how asking a peer ended: not before everything that it brought is on disk.
///
///     asking ──synced──▶ nothing on its way: outcome
///                    └─▶ feeds on their way to the disk ──the last is there──▶ outcome
///
/// Memory: one head.
public struct SiteSyncConclusion: Sendable {
    private var peerHead: SignedHead?
    /// Feeds on their way to the disk, and what waits for them.
    private var keeping = 0
    private var keptAll = true
    private var waiting: FeedSyncFailure??

    /// Nothing asked, nothing on its way.
    public init() {}

    /// What the peer said that it follows.
    public mutating func peerFollows(_ head: SignedHead) { peerHead = head }

    /// A feed that the peer brought is on its way to the disk.
    public mutating func keeps() { keeping += 1 }

    /// A feed is on disk, or could not be written. `newest`: hash of the head that is known here then.
    public mutating func kept(succeeded: Bool, newest: Digest256?) -> SiteSyncOutcome? {
        keeping -= 1
        if !succeeded { keptAll = false }
        guard keeping == 0, let failure = waiting else { return nil }
        return synced(failure, newest: newest)
    }

    /// ``SiteExchangeAction/synced(_:)`` has come. Nil while something is still being written.
    public mutating func synced(_ failure: FeedSyncFailure?, newest: Digest256?) -> SiteSyncOutcome? {
        guard keeping == 0 else {
            waiting = .some(failure)
            return nil
        }
        waiting = nil
        defer { keptAll = true }
        if let failure { return .failed(failure) }
        guard keptAll else { return .notKept }
        return peerHead.map { $0.hash == newest } ?? false ? .agreed : .behind
    }
}
