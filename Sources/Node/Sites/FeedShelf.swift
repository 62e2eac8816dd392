// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Storage
internal import Synchronization
internal import Wire

/// The feeds that this node knows: on disk, and the ones used last in memory.
///
/// Nothing is handed on before it is on disk. What was accepted once is never undercut, also when the site was
/// removed in between: the highest head stays. Memory: ``maximumBytes`` of entries, whatever feed was used last.
final class FeedShelf: Sendable {
    static let maximumBytes = 16 << 20

    private struct Cache {
        var feeds: [Digest256: (feed: SiteFeed, use: Int)] = [:]
        var bytes = 0
        var uses = 0
    }

    private let metadata: MetadataStore
    private let cache = Mutex(Cache())
    /// Held by who changes a feed, from reading it until it is on disk. Never taken on an event loop.
    private let changing = Mutex(())

    init(metadata: MetadataStore) {
        self.metadata = metadata
    }

    /// The feed if it is in memory. Does not block.
    func cached(_ site: Digest256) -> SiteFeed? {
        cache.withLock { cache in
            guard let feed = cache.feeds[site]?.feed else { return nil }
            cache.uses += 1
            cache.feeds[site]?.use = cache.uses
            return feed
        }
    }

    /// Blocks. Nil for a site that was never met; throws `.badData` where what is stored does not prove itself.
    func feed(of site: Digest256) throws(NodeError) -> SiteFeed? {
        if let feed = cached(site) { return feed }
        let encoded: [UInt8]?
        do {
            encoded = try metadata.read { try $0.feed(of: site) }
        } catch {
            throw NodeError(error)
        }
        let found = try encoded.map { encoded throws(NodeError) in try Self.decode(encoded, of: site) }
        guard let found else { return nil }
        // Another thread may have stored a newer one meanwhile.
        return cache.withLock { $0.feeds[site]?.feed } ?? keep(found)
    }

    /// Takes over what is newer in a feed from elsewhere, with its evidence. Blocks until that is on disk.
    ///
    /// - Returns: the feed as it is then; nil where nothing was known and the other is not believed, because a
    ///   higher head was accepted before.
    func merge(_ other: SiteFeed) throws(NodeError) -> (feed: SiteFeed?, hasChanged: Bool) {
        var hasChanged = false
        let feed = try change(other.site) { known, connection in
            let highest = known == nil ? try connection.highestHead(of: other.site)?.bytes : nil
            let verdict = FeedAcceptance(of: other, known: known, highest: highest.flatMap { SignedHead($0) })
            if verdict.contradictsHighest { try Self.add(other.head, kind: .fork, connection) }
            hasChanged = verdict.hasChanged
            return verdict.feed
        }
        return (feed, hasChanged)
    }

    /// Replaces a feed by what `body` makes of it, in one transaction with whatever else `body` writes. Blocks.
    func change(
        _ site: Digest256,
        _ body: (SiteFeed?, MetadataConnection) throws -> SiteFeed?
    ) throws(NodeError) -> SiteFeed? {
        let result = changing.withLock { _ -> Result<SiteFeed?, NodeError> in
            var cause: (any Error)?
            do {
                let feed = try metadata.write { connection in
                    do {
                        let known = try cache.withLock { $0.feeds[site]?.feed } ?? Self.load(site, connection)
                        let feed = try body(known, connection)
                        if let feed, feed != known { try Self.save(feed, since: known, connection) }
                        return feed
                    } catch {
                        cause = error
                        throw error
                    }
                }
                return .success(feed.map { keep($0) })
            } catch {
                // The database's own failures are in `error`, in words; what the body refused is only in `cause`.
                return .failure(cause.flatMap { NodeError(known: $0) } ?? NodeError(unexpected: error))
            }
        }
        return try result.get()
    }

    /// Forgets the copy in memory, after the site was removed from disk.
    func forget(_ site: Digest256) {
        cache.withLock { cache in
            guard let entry = cache.feeds.removeValue(forKey: site) else { return }
            cache.bytes -= entry.feed.log.byteCount
        }
    }

    private func keep(_ feed: SiteFeed) -> SiteFeed {
        cache.withLock { cache in
            cache.bytes += feed.log.byteCount - (cache.feeds[feed.site]?.feed.log.byteCount ?? 0)
            cache.uses += 1
            cache.feeds[feed.site] = (feed, cache.uses)
            while cache.bytes > Self.maximumBytes, cache.feeds.count > 1,
                let oldest = cache.feeds.min(by: { $0.value.use < $1.value.use })
            {
                cache.feeds[oldest.key] = nil
                cache.bytes -= oldest.value.feed.log.byteCount
            }
        }
        return feed
    }
}

extension FeedShelf {
    private static func load(_ site: Digest256, _ connection: MetadataConnection) throws -> SiteFeed? {
        try connection.feed(of: site).map { try decode($0, of: site) }
    }

    private static func decode(_ encoded: [UInt8], of site: Digest256) throws(NodeError) -> SiteFeed {
        do {
            return try SiteFeed(encoded: encoded, site: site)
        } catch {
            throw NodeError(
                .badData,
                "the stored history of site \(site.hex) is damaged",
                remedy: "Run `roost doctor`; a reader gets it again from other holders with `roost site remove`."
            )
        }
    }

    private static func save(_ feed: SiteFeed, since known: SiteFeed?, _ connection: MetadataConnection) throws {
        try connection.saveFeed(feed.encoded, of: feed.site)
        try connection.saveHighestHead(feed.head.bytes, size: Int64(feed.head.size), of: feed.site)
        for branch in FeedAcceptance.newBranches(of: feed, since: known) {
            try add(branch.head, kind: branch.kind, connection)
        }
    }

    private static func add(_ head: SignedHead, kind: FeedBranch.Kind, _ connection: MetadataConnection) throws {
        try connection.add(
            Evidence(site: head.site, kind: kind.rawValue, bytes: head.bytes, foundAt: WallClock.seconds)
        )
    }
}
