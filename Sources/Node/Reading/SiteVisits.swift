// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import Wire

/// When each site was last looked for, so that a page is shown at once from what is known while newer is looked for
/// beside it.
///
/// Thread-safe. Memory: 48 bytes a site visited, at most ``capacity``.
final class SiteVisits: Sendable {
    /// What to do before a page of a known site is shown.
    enum Freshness: Equatable {
        /// Looked for a moment ago.
        case fresh
        /// Show what is known; a search was begun beside it.
        case refreshing
        /// Not looked for in a long time: give a search a moment first.
        case stale
    }

    /// A search that nobody waits for.
    struct Search: Sendable {
        var site: Digest256
        /// What is about to be read of it, where that is known.
        var path: [String]?
    }

    static let capacity = 4096
    /// A site is looked for at most this often.
    static let interval = Duration.seconds(2)
    /// What was looked for longer ago than this may be far behind.
    static let staleness = Duration.seconds(120)
    /// How long a page of a known site waits for newer.
    static let patience = Duration.milliseconds(800)

    private let lastUse = Mutex(ContinuousClock.now)
    private let looked = Mutex<[Digest256: ContinuousClock.Instant]>([:])
    private let searches: AsyncStream<Search>
    private let begin: AsyncStream<Search>.Continuation

    init() {
        // One that finds no room is begun by the next page of its site.
        (searches, begin) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(64))
    }

    /// Since the last page or call.
    var idleTime: Duration { ContinuousClock.now - lastUse.withLock { $0 } }

    /// Notes that somebody uses the node.
    func used() { lastUse.withLock { $0 = .now } }

    /// Notes a visit, and begins a search beside it where one is due.
    func visit(_ site: Digest256) -> Freshness {
        let now = ContinuousClock.now
        lastUse.withLock { $0 = now }
        let last = looked.withLock { looked -> ContinuousClock.Instant? in
            let last = looked[site]
            if last.map({ now - $0 >= Self.interval }) ?? true {
                if looked.count >= Self.capacity { looked.removeAll() }
                looked[site] = now
            }
            return last
        }
        guard let last else { return .stale }
        if now - last < Self.interval { return .fresh }
        if now - last > Self.staleness { return .stale }
        begin.yield(Search(site: site))
        return .refreshing
    }

    /// Begins to look for a site that was never met, as it is about to be read.
    func expect(_ site: Digest256, path: [String]) { begin.yield(Search(site: site, path: path)) }

    /// Notes that a site was looked for just now.
    func looked(for site: Digest256) {
        looked.withLock { looked in
            if looked.count >= Self.capacity { looked.removeAll() }
            looked[site] = .now
        }
    }

    /// Carries out the searches until cancelled, a few at a time. Nobody waits for them: what is known stays as it is where
    /// nothing newer is found.
    func run(search: @escaping @Sendable (Search) async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            var running = 0
            for await wish in searches {
                if running >= 8 {
                    await group.next()
                    running -= 1
                }
                group.addTask { await search(wish) }
                running += 1
            }
        }
    }
}
