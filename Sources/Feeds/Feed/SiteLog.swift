// SPDX-License-Identifier: Apache-2.0
public import Keys
public import Wire

/// One writer's log of a site with its tree and what it says: what holders keep and serve.
///
/// Memory: the entries, 64 bytes a leaf, and the state; bounded by ``FeedSpecification/logBytes``.
public struct SiteLog: Sendable {
    /// SHA-256 of the site key.
    public var site: Digest256 { state.site }
    /// The entries as received.
    public private(set) var entries: [[UInt8]]
    /// Of all entries together.
    public private(set) var byteCount: Int
    /// What the entries say.
    public private(set) var state: FeedState
    /// Over the entries: for roots and proofs of any size so far.
    public private(set) var tree = MerkleTree()

    /// A log that holds its root record.
    public init(site: Digest256, rootEntry: [UInt8]) throws(FeedError) {
        state = try FeedState(site: site, rootEntry: rootEntry)
        entries = [rootEntry]
        byteCount = rootEntry.count
        tree.append(leaf: LogHash.leaf(rootEntry))
    }

    /// A log read from the start. Throws where it has no entry 0 that fits `site`, or is too large.
    public init(site: Digest256, entries: [[UInt8]]) throws(FeedError) {
        guard let first = entries.first else { throw .wrongRoot }
        try self.init(site: site, rootEntry: first)
        for entry in entries.dropFirst() { try append(entry) }
    }

    /// How many entries there are, the root record among them.
    public var size: Int { entries.count }
    /// The root over all entries.
    public var root: Digest256 { tree.root }

    /// Where the next entry would stand: what a key change is bound to.
    public var position: LogPosition { LogPosition(site: site, size: size, root: root) }

    /// Takes any bytes within the bounds; what they mean is in ``state``.
    public mutating func append(_ entry: [UInt8]) throws(FeedError) {
        guard entry.count <= FeedSpecification.entryBytes else { throw .tooLarge(limit: FeedSpecification.entryBytes) }
        guard entries.count < FeedSpecification.entries else {
            throw .tooManyEntries(limit: FeedSpecification.entries)
        }
        guard byteCount + entry.count <= FeedSpecification.logBytes else {
            throw .tooLarge(limit: FeedSpecification.logBytes)
        }
        state.apply(entry, rootBefore: root)
        tree.append(leaf: LogHash.leaf(entry))
        entries.append(entry)
        byteCount += entry.count
    }

    /// The log as it was with its first `size` entries, at least one.
    public func prefix(_ size: Int) -> SiteLog? {
        guard (1...self.size).contains(size) else { return nil }
        return try? SiteLog(site: site, entries: Array(entries.prefix(size)))
    }

    /// How many entries both begin with.
    public func commonPrefix(with other: SiteLog) -> Int {
        zip(entries, other.entries).prefix { $0 == $1 }.count
    }

    /// Signs the state; nil when `signer` is not the writer.
    public func head(time: Int64, signer: SigningKey) -> SignedHead? {
        guard signer.publicKey == state.writer else { return nil }
        return SignedHead(site: site, size: size, root: root, time: time, epoch: state.epoch, signer: signer)
    }

    /// Whether `head`, whose signature holds, is this log's at exactly this size, by the key that may sign it.
    public func matches(_ head: SignedHead) -> Bool { matches(head, without: []) }

    func matches(_ head: SignedHead, without: Set<FeedDefence>) -> Bool {
        head.site == site && head.size == size && head.root == root && head.epoch == state.epoch
            && (head.writer == state.writer || without.contains(.writers))
    }
}

extension SiteLog: Equatable {
    /// Everything else follows from the entries.
    public static func == (left: SiteLog, right: SiteLog) -> Bool {
        left.site == right.site && left.entries == right.entries
    }
}
