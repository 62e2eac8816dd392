// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Kademlia
internal import Keys
internal import Storage
internal import Synchronization
internal import Wire

extension SiteService {
    /// Works until cancelled: says in the DHT what policy wants said, and closes all connections at the end.
    func run() async throws {
        try await begin()
        await withDiscardingTaskGroup { group in
            group.addTask {
                while (try? await Task.sleep(for: self.tick)) != nil { self.enqueue.yield(.tick) }
                self.enqueue.finish()
            }
            group.addTask {
                for await _ in self.network.growthEvents() {
                    self.duties.withLock { $0.networkGrew(now: .now) }
                    self.enqueue.yield(.tick)
                }
            }
            for await job in enqueue.jobs {
                group.addTask { await self.perform(job) }
            }
        }
        closeAll()
    }

    /// Serves the sites of earlier runs again.
    private func begin() async throws(NodeError) {
        let metadata = context.metadata
        let policy = context.configuration.effectiveServe
        let sites = try await context.blocking.run { try metadata.read { try $0.sites() } }
        for site in sites where site.isOwn || site.isPinned || policy == .quota { hold(site.id) }
    }

    private func perform(_ job: Job) async {
        switch job {
        case .tick:
            for site in sitesToLookFor(now: .now) { enqueue.yield(.look(site)) }
            for key in duties.withLock({ $0.due(now: .now) }) {
                guard enqueue.yield(.duty(key)) else {
                    duties.withLock { $0.finished(key, succeeded: false, now: .now) }
                    continue
                }
            }
        case .survey(let site): await survey(site)
        // Those that the disk refuses are asked for again.
        case .keepNodes(let nodes, let site): try? await keep(nodes, of: site)
        case .look(let site): _ = try? await refresh(.site(site))
        case .searchRecovery(let site): await searchRecovery(of: site)
        case .remember(let item): await save(item, keepsAlive: false)
        case .duty(let key):
            let succeeded = await perform(key)
            duties.withLock { $0.finished(key, succeeded: succeeded, now: .now) }
            // The next ones wait for a free place.
            enqueue.yield(.tick)
        }
    }

    // MARK: What is to be said

    /// Sites of which this node tells the DHT that it holds them.
    var announced: Set<Digest256> { duties.withLock { $0.announced } }

    /// Finds out anew what is to be said of a site.
    private func survey(_ site: Digest256) async {
        let duties = (try? await currentDuties(of: site)) ?? []
        let pointers = duties.filter { if case .announce = $0 { false } else { true } }
        let ended = self.duties.withLock { $0.set(duties, of: site, changed: pointers, now: .now) }
        for case .announce(let hash) in ended where !self.duties.withLock({ $0.isWanted(.announce(hash)) }) {
            await network.endAnnouncing(hash)
        }
        enqueue.yield(.tick)
    }

    private func currentDuties(of site: Digest256) async throws(NodeError) -> Set<SiteDuty> {
        guard isHeld(site), context.admission.admits(.announce, Admission.Subject(site: site)),
            let feed = try await feed(of: site)
        else { return [] }
        let metadata = context.metadata
        let (record, keys) = try await context.blocking.run {
            try metadata.read { connection in
                let record = try connection.site(site)
                return (record, record?.isOwn == true ? try Self.ownKeys(feed, connection) : [])
            }
        }
        return SiteDuties.duties(
            of: feed,
            keys: keys,
            serve: context.configuration.effectiveServe,
            isPinned: record?.isPinned ?? false,
            held: heldReleases(of: site)
        )
    }

    /// The keys of an own site under which this node has signed pointers, and the one that writes now.
    private static func ownKeys(_ feed: SiteFeed, _ connection: MetadataConnection) throws -> Set<PublicKey> {
        var keys: Set<PublicKey> = [feed.state.writer]
        let target = SitePointer.target(of: feed.state.siteKey)
        if try connection.item(target)?.keepsAlive == true { keys.insert(feed.state.siteKey) }
        return keys
    }

    // MARK: Saying it

    private func perform(_ key: SiteDutyKey) async -> Bool {
        let rule = Admission.Subject(site: key.site)
        switch key.duty {
        case .announce(let hash):
            guard context.admission.admits(.announce, rule) else { return true }
            return await network.announceHolding(hash, isSeed: await isTorrent(hash, of: key.site))
        case .put(let writer):
            guard context.admission.admits(.put, rule) else { return true }
            return await put(under: writer, for: key.site)
        case .reput(let writer):
            guard context.admission.admits(.put, rule) else { return true }
            return await putAgain(under: writer, for: key.site)
        }
    }

    /// Torrents are announced only when all of them is here.
    private func isTorrent(_ hash: Digest160, of site: Digest256) async -> Bool {
        guard let releases = try? await feed(of: site)?.state.releases.map(\.release) else { return false }
        return releases.contains { $0.v1 == hash || $0.v2.truncated == hash }
    }

    /// Puts our own pointer, signed anew where somebody has put one with a higher number.
    private func put(under key: PublicKey, for site: Digest256) async -> Bool {
        guard let feed = try? await feed(of: site), SitePointer(feed) != nil else { return true }
        guard let item = await currentItem(under: key, for: site) else { return false }
        let report = await network.putOnce(item)
        guard let newer = report.newer, newer.sequence >= item.sequence, newer != item else {
            return report.stored > 0
        }
        remember(newer)
        guard let again = await currentItem(under: key, for: site, above: newer) else { return false }
        return await network.putOnce(again).stored > 0
    }

    /// The stored item if it says what is to be said and `other` does not stand in its way, else a new one.
    private func currentItem(
        under key: PublicKey,
        for site: Digest256,
        above other: MutableItem? = nil
    ) async -> MutableItem? {
        if let item = await currentItem(under: key, for: site, above: other, signer: nil) { return item }
        guard let signer = await signer(key), signer.publicKey == key else { return nil }
        return await currentItem(under: key, for: site, above: other, signer: signer)
    }

    /// In one transaction with whoever changes the feed: otherwise a head that has just become old could be signed under a
    /// higher number than the newest.
    private func currentItem(
        under key: PublicKey,
        for site: Digest256,
        above other: MutableItem?,
        signer: SigningKey?
    ) async -> MutableItem? {
        let feeds = feeds
        return try? await context.blocking.run {
            var current: MutableItem?
            _ = try feeds.change(site) { feed, connection in
                guard let feed, let value = SitePointer(feed)?.encoded else { return feed }
                let stored = try connection.item(SitePointer.target(of: key))?.mutableItem
                let latest = other.map { $0.sequence >= stored?.sequence ?? 0 ? $0 : stored } ?? stored
                if let latest, latest.value == value, latest == stored {
                    current = latest
                    return feed
                }
                let before = latest.map { (seq: $0.sequence, value: $0.value) }
                guard let signer,
                    let sequence = SiteLocations.nextSequence(size: feed.head.size, latest: before, value: value)
                else { return feed }
                let item = try MutableItem.signed(value: value, sequence: sequence, by: signer)
                try connection.save(ItemRecord(item, keepsAlive: true, putAt: WallClock.seconds))
                current = item
                return feed
            }
            return current
        }
    }

    /// Puts again what somebody else signed, as long as it points to what we follow.
    private func putAgain(under key: PublicKey, for site: Digest256) async -> Bool {
        guard let feed = try? await feed(of: site) else { return true }
        var item = await storedItem(under: key)
        if item.map({ !Self.points($0, to: feed) }) ?? true {
            item = await network.readItem(key: key, salt: [])
            if let item { remember(item) }
        }
        guard let item, Self.points(item, to: feed) else { return false }
        return await network.putOnce(item).stored > 0
    }

    private static func points(_ item: MutableItem, to feed: SiteFeed) -> Bool {
        (try? SitePointer(value: item.value))?.head == feed.head.hash
    }

    private func storedItem(under key: PublicKey) async -> MutableItem? {
        let metadata = context.metadata
        let target = SitePointer.target(of: key)
        return try? await context.blocking.run { try metadata.read { try $0.item(target) } }?.mutableItem
    }

    /// Keeps an item that was read, in the background of whoever read it.
    func remember(_ item: MutableItem) { enqueue.yield(.remember(item)) }

    func save(_ item: MutableItem, keepsAlive: Bool) async {
        let metadata = context.metadata
        _ = try? await context.blocking.run {
            try metadata.write { connection in
                let known = try connection.item(item.target)
                let isOwn = keepsAlive || known?.keepsAlive == true
                try connection.save(ItemRecord(item, keepsAlive: isOwn, putAt: keepsAlive ? WallClock.seconds : 0))
            }
        }
    }
}
