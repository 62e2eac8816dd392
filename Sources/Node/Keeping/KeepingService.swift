// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Keys
internal import Logging
internal import Storage
internal import Synchronization
internal import Wire

/// Keeps what is to be kept: makes what has arrived durable, holds the quota, and completes pinned sites.
final class KeepingService: Sendable {
    /// Between two times that what has arrived is made durable: what a crash may cost.
    static let interval = Duration.seconds(5)
    /// Between two looks at the quota.
    static let quotaInterval = Duration.seconds(60)
    /// Between two looks for newer releases of pinned sites.
    static let pinnedInterval = Duration.seconds(900)

    let context: NodeContext
    let sites: SiteService
    let swarms: SwarmService
    let held: HeldReleases
    let fetcher: Fetcher
    let writer: FeedWriter
    /// Files that have gone from the store, or come back to it, since the last look: 32 bytes each.
    let changedRoots = Mutex<Set<Digest256>>([])
    /// That there are such; one more says no more.
    let changes = JobQueue<Void>(bound: 1)
    /// Beyond its bound the one that waits is enough.
    let mendings = JobQueue<Mending>(bound: 2)

    init(context: NodeContext, sites: SiteService, swarms: SwarmService) {
        self.context = context
        self.sites = sites
        self.swarms = swarms
        held = HeldReleases(context: context, sites: sites, swarms: swarms)
        fetcher = Fetcher(context: context, sites: sites, swarms: swarms)
        writer = FeedWriter(service: sites)
        context.content.observeLosses { [weak self] key in self?.noteChange(of: key) }
    }

    /// Works until cancelled. A failing disk is logged and tried again.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.every(Self.interval, "flush") { try await self.flush() } }
            group.addTask {
                try await self.every(Self.quotaInterval, "quota") {
                    try await self.enforceQuota()
                    await self.thin()
                }
            }
            group.addTask { try await self.every(Self.pinnedInterval, "pins") { try await self.completePinned() } }
            group.addTask { try await self.followStore() }
            try await group.waitForAll()
        }
    }

    private func every(_ pause: Duration, _ what: String, _ body: () async throws -> Void) async throws {
        while true {
            try await Task.sleep(for: pause)
            do {
                try await body()
            } catch {
                try Task.checkCancellation()
                context.logger.warning("\(what) failed and is tried again", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Serves what is held of a site, as far as policy goes.
    func serve(_ site: Digest256) async {
        do {
            try await held.survey(site)
        } catch {
            context.logger.error("a site is not served", metadata: ["error": "\(error.message)"])
        }
    }

    /// A page of a site was read: who gives back what it reads serves the site from the first page on.
    func sharesRead(_ site: Digest256) async {
        guard context.configuration.effectiveServe == .quota, !sites.isHeld(site), sites.mayServe(site) else { return }
        await serve(site)
    }

    /// Makes what was wanted and received so far outlive a crash.
    func flush() async throws(NodeError) {
        let context = context
        try await context.blocking.run {
            try context.keeper.flush()
            try context.content.checkpoint()
        }
    }

    /// Removes what goes beyond the quota, whatever this node serves: what is only read is a cache.
    @discardableResult
    func enforceQuota(now: Int64 = WallClock.seconds) async throws(NodeError) -> Eviction {
        let context = context
        let quota = context.configuration.quota
        let (eviction, others) = try await context.blocking.run { () throws -> (Eviction, [Digest256]) in
            let eviction = try context.keeper.enforce(quota: quota, now: now)
            guard !eviction.victims.isEmpty else { return (eviction, []) }
            let others = try context.metadata.read { try $0.sites() }.filter { !$0.isOwn && !$0.isPinned }
            return (eviction, others.map(\.id))
        }
        if !eviction.victims.isEmpty {
            context.logger.info(
                "evicted",
                metadata: [
                    "files": "\(eviction.victims.count)", "bytes": "\(eviction.bytesBefore - eviction.bytesAfter)",
                ]
            )
        }
        for site in others where sites.isHeld(site) { try await held.survey(site) }
        return eviction
    }

    /// Lets go of what was only read and is not in this node's share, where nobody has asked for it for ``restTime``.
    ///
    /// `isIdle`: nothing is being read, as when the node has just started.
    func thin(isIdle: Bool = false, now: Int64 = WallClock.seconds) async {
        let (context, share) = (context, context.configuration.cacheShare)
        guard share < 1 else { return }
        do {
            let count = try await context.blocking.run {
                let salt = try context.keys.peerID(network: context.configuration.network).description
                let kept = KeptShare(share, salt: Array(salt.utf8))
                return try context.keeper.thin(
                    to: kept,
                    unwantedSince: isIdle ? now + 1 : now - Self.restTime,
                    now: now
                )
            }
            if count > 0 { context.logger.info("kept a share of what was read", metadata: ["files": "\(count)"]) }
        } catch {
            context.logger.warning("what was read was not thinned out", metadata: ["error": "\(error.message)"])
        }
    }

    /// Seconds after the last time that a file was asked for, until only the share of it is kept.
    static let restTime: Int64 = 600

    /// Looks for newer releases of pinned sites and fetches what is missing.
    private func completePinned() async throws {
        let metadata = context.metadata
        let pinned = try await context.blocking.run { try metadata.read { try $0.sites() }.filter(\.isPinned) }
        for record in pinned where !record.isOwn {
            do throws(NodeError) {
                try await complete(record.id)
            } catch {
                try Task.checkCancellation()
                context.logger.debug("a pinned site is not complete", metadata: ["error": "\(error.message)"])
            }
        }
    }

    /// Gets everything of the newest release of a site and serves it.
    func complete(_ site: Digest256) async throws(NodeError) {
        let feed = try await sites.refresh(.site(site)).feed
        guard let release = feed?.state.newest?.release else {
            throw NodeError(.unavailable, "the site has no release to keep", remedy: "Try again when it has one.")
        }
        let wanted = SiteRelease(site: site, release: release)
        try await fetcher.fetch(release: wanted)
        try await held.survey(site)
    }
}
