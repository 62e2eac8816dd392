// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Feeds
internal import Kademlia
internal import Keys
internal import Logging
internal import NIOCore
internal import Storage
internal import Swarm
internal import Synchronization
internal import Transport
internal import Wire

/// The sites that this node knows: their feeds, the connections on which they are exchanged, and what it keeps saying of
/// them in the DHT.
///
/// Memory: the feeds in ``FeedShelf``, ``maximumConnections`` connections of some 100 KiB while they are busy, and
/// ``maximumHolders`` endpoints a site.
final class SiteService: Sendable {
    static let maximumConnections = 256
    /// From one address, to one site.
    static let maximumFromAddress = 4
    static let maximumHolders = 64
    /// How many held sites are looked for in one round of five seconds.
    static let looksAtATime = 2

    /// What is known of a site beside its feed.
    struct SiteState {
        var connections: [UInt64: SiteConnection] = [:]
        /// Peers that proved a state of the site, and when they last did.
        var holders: [Endpoint: ContinuousClock.Instant] = [:]
        /// Which releases peers say that they hold completely; at most ``maximumHolders`` peers.
        var holdings: [Endpoint: Set<Int64>] = [:]
        /// Peers that gave another key, or what the site's key did not sign; at most ``maximumHolders``.
        var impostors: Set<Endpoint> = []
        var dialling: Set<Endpoint> = []
        var isHeld = false
        /// Releases whose files are here completely.
        var held: [Int64] = []
        var key: PublicKey?
        /// Bytes from peers over exchange connections.
        var received: Int64 = 0
        var lastRecoverySearch: ContinuousClock.Instant?
        /// When a held site is looked for again without being opened.
        var nextLook: ContinuousClock.Instant?
    }

    struct State {
        var sites: [Digest256: SiteState] = [:]
        var nextConnection: UInt64 = 0
        var connections = 0
        var received: Int64 = 0
    }

    /// What is done in the background.
    enum Job: Sendable {
        case tick
        case duty(SiteDutyKey)
        /// What must be said of a site may have changed.
        case survey(Digest256)
        case searchRecovery(Digest256)
        case remember(MutableItem)
        /// Directory nodes that are in memory.
        case keepNodes([SiteResult.DirectoryBytes], Digest256)
        /// Looks whether a held site has changed.
        case look(Digest256)
    }

    let context: NodeContext
    let network: any SiteNetwork
    let feeds: FeedShelf
    let directories: DirectoryShelf
    let duties: Mutex<SiteDutySchedule>
    /// How often what is due is looked for.
    let tick: Duration
    /// What its connections go by.
    let clock: ExchangeClock
    let searches = SearchBoard()
    let peerID: Digest160
    /// Where this node accepts connections; nil while it does not.
    let listenPort: UInt16?
    /// Finds the private half of a site's key, for a pointer that somebody else has outnumbered.
    let signer: @Sendable (PublicKey) async -> SigningKey?
    /// Told of each peer that proves that it follows a site. On an event loop; must not block.
    let onHolder: @Sendable (Endpoint, Digest256) -> Void
    /// Told of each peer that is asked about a site which is met for the first time: its files are likely to be asked for next.
    let onMeeting: @Sendable (Endpoint) -> Void
    let listener: SwarmListener
    let sockets: TCPSockets
    let loop: any EventLoop
    let state = Mutex(State())
    /// A job that finds no room is done in the next round of its schedule.
    let enqueue = JobQueue<Job>(bound: 1024)

    init(
        context: NodeContext,
        network: any SiteNetwork,
        listener: SwarmListener,
        listenPort: UInt16?,
        pace: SiteDutySchedule.Pace = SiteDutySchedule.Pace(),
        tick: Duration = .seconds(5),
        clock: ExchangeClock = ExchangeClock(),
        signer: @escaping @Sendable (PublicKey) async -> SigningKey? = { _ in nil },
        onHolder: @escaping @Sendable (Endpoint, Digest256) -> Void = { _, _ in },
        onMeeting: @escaping @Sendable (Endpoint) -> Void = { _ in }
    ) {
        self.context = context
        self.network = network
        self.listener = listener
        self.listenPort = listenPort
        self.signer = signer
        self.onHolder = onHolder
        self.onMeeting = onMeeting
        self.tick = tick
        self.clock = clock
        duties = Mutex(SiteDutySchedule(pace: pace))
        feeds = FeedShelf(metadata: context.metadata)
        directories = DirectoryShelf(metadata: context.metadata)
        loop = context.group.next()
        sockets = TCPSockets(loop: loop)
        var random = SystemRandomNumberGenerator()
        var id = Array("-RS0100-".utf8)
        while id.count < Digest160.byteCount { id.append(UInt8.random(in: 0...255, using: &random)) }
        peerID = Digest160(id) ?? .zero
    }

    var client: String { "Roost \(context.version)" }

    // MARK: What is known

    /// How many peers offered something else in the site's place, and were refused.
    func impostors(of site: Digest256) -> Int { state.withLock { $0.sites[site]?.impostors.count ?? 0 } }

    /// The feed as this node knows it, from memory or disk; nil for a site never met.
    func feed(of site: Digest256) async throws(NodeError) -> SiteFeed? {
        if let feed = feeds.cached(site) { return feed }
        let feeds = feeds
        return try await context.blocking.run { try feeds.feed(of: site) }
    }

    /// The site's key, as far as it is known without reading the disk.
    func key(of site: Digest256) -> PublicKey? {
        state.withLock { $0.sites[site]?.key } ?? feeds.cached(site)?.state.siteKey
    }

    /// Peers that hold the site: proven ones, connected ones first. They accept connections for its torrents too.
    func holders(of site: Digest256) -> [Endpoint] {
        state.withLock { state in
            guard let entry = state.sites[site] else { return [] }
            return entry.holders.sorted { $0.value > $1.value }.map(\.key)
        }
    }

    /// Of ``holders(of:)`` those who say that they hold all files of a release.
    func wholeHolders(of release: SiteRelease) -> [Endpoint] {
        state.withLock { state in
            guard let entry = state.sites[release.site] else { return [] }
            return entry.holders.filter { entry.holdings[$0.key]?.contains(release.release.seq) == true }
                .sorted { $0.value > $1.value }.map(\.key)
        }
    }

    /// Bytes received on exchange connections for one site since the node began.
    func received(for site: Digest256) -> Int64 { state.withLock { $0.sites[site]?.received ?? 0 } }
    /// And for all of them.
    var received: Int64 { state.withLock { $0.received } }

    func connections(of site: Digest256) -> [SiteConnection] {
        state.withLock { $0.sites[site].map { Array($0.connections.values) } ?? [] }
    }

    var connectionCount: Int { state.withLock { $0.connections } }
}
