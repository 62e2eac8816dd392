// SPDX-License-Identifier: Apache-2.0
public import Keys
public import Wire

/// What the driver of a ``SiteExchangeSession`` must do, in order.
public enum SiteExchangeAction: Equatable, Sendable {
    /// Send this as the payload of an extended message under the peer's id for `rs_site`.
    case send([UInt8])
    /// Read this directory node from the store, if policy lets it be served, and call
    /// ``SiteExchangeSession/supply(_:node:now:)`` with the same token.
    case read(token: UInt32, node: Digest256)
    /// The site's key, checked against the site id.
    case siteKey(PublicKey)
    /// What the peer follows, and the releases that it says it holds.
    case peerHead(SignedHead, holds: [Int64])
    /// Newer, checked: keep it on disk, then merge it (``SiteFeed/merge(_:)``) and tell the other sessions.
    case adopted(SiteFeed)
    /// Contradicting heads: keep the feed, which holds the evidence, and warn.
    case fork(SiteFeed)
    /// The peer has nothing newer, or did not get through with it; nil where it did nothing wrong.
    case synced(FeedSyncFailure?)
    /// Directory nodes of the newest release that came with the feed, checked: to be kept.
    case directory([SiteResult.DirectoryBytes])
    /// The end of a command.
    case deliver(command: UInt64, SiteResult)
    /// Call ``SiteExchangeSession/tick(now:)`` then; replaces any earlier wake.
    case wake(at: ContinuousClock.Instant)
    /// Close the connection; nothing follows.
    case close(SiteCloseReason)
}

/// What came of a command.
public enum SiteResult: Equatable, Sendable {
    /// One node of a directory as it was received.
    public struct DirectoryBytes: Equatable, Sendable {
        /// SHA-256 of ``bytes``, checked.
        public let hash: Digest256
        /// What ``DirectoryNode`` reads.
        public let bytes: [UInt8]

        /// `hash` must be that of `bytes`.
        public init(hash: Digest256, bytes: [UInt8]) {
            self.hash = hash
            self.bytes = bytes
        }
    }

    /// Directory nodes, each checked against its hash, the one asked for first.
    case nodes([DirectoryBytes])
    /// As received: see ``MerkleProof``.
    case proof([Digest256])
    case refused(SiteRefusal)
    /// Not what was asked for: the peer lies.
    case wrongAnswer
    /// The session had too many open commands, or ended.
    case notAsked
}

/// Why a session ended: silence, the driver, or a fault of the peer.
public enum SiteCloseReason: Equatable, Sendable {
    /// Nothing was said for a while: no fault.
    case idle
    /// Asked, and did not answer.
    case unresponsive
    /// Bytes that are no message.
    case malformed(SiteMessageError)
    /// An answer that was not asked for.
    case unexpectedAnswer
    /// Asked more than any reader does.
    case flooding
    /// Key, head, entries or nodes that are proven wrong.
    case lied
    /// The driver said so.
    case closed
}
