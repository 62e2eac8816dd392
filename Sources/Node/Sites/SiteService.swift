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

    private struct State {
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
        /// Looks whether a held site has changed.
        case look(Digest256)
    }

    let context: NodeContext
    let network: any SiteNetwork
    let feeds: FeedShelf
    let directories: DirectoryShelf
    let duties = Mutex(SiteDutySchedule())
    let peerID: Digest160
    /// Where this node accepts connections; nil while it does not.
    let listenPort: UInt16?
    /// Finds the private half of a site's key, for a pointer that somebody else has outnumbered.
    let signer: @Sendable (PublicKey) async -> SigningKey?
    private let listener: SwarmListener
    private let sockets: TCPSockets
    private let loop: any EventLoop
    private let state = Mutex(State())
    let jobs: AsyncStream<Job>
    let enqueue: AsyncStream<Job>.Continuation

    init(
        context: NodeContext,
        network: any SiteNetwork,
        listener: SwarmListener,
        listenPort: UInt16?,
        signer: @escaping @Sendable (PublicKey) async -> SigningKey? = { _ in nil }
    ) {
        self.context = context
        self.network = network
        self.listener = listener
        self.listenPort = listenPort
        self.signer = signer
        feeds = FeedShelf(metadata: context.metadata)
        directories = DirectoryShelf(metadata: context.metadata)
        loop = context.group.next()
        sockets = TCPSockets(loop: loop)
        var random = SystemRandomNumberGenerator()
        var id = Array("-RS0100-".utf8)
        while id.count < Digest160.byteCount { id.append(UInt8.random(in: 0...255, using: &random)) }
        peerID = Digest160(id) ?? .zero
        // A job that finds no room is done in the next round of its schedule.
        (jobs, enqueue) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1024))
    }

    var client: String { "Roost \(context.version)" }

    // MARK: What is known

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

    /// Bytes received on exchange connections for one site since the node began.
    func received(for site: Digest256) -> Int64 { state.withLock { $0.sites[site]?.received ?? 0 } }
    /// And for all of them.
    var received: Int64 { state.withLock { $0.received } }

    func connections(of site: Digest256) -> [SiteConnection] {
        state.withLock { $0.sites[site].map { Array($0.connections.values) } ?? [] }
    }

    var connectionCount: Int { state.withLock { $0.connections } }

    // MARK: Serving

    /// Serves the site from now on to whoever comes, and says so where policy wants that.
    func hold(_ site: Digest256) {
        let isNew = state.withLock { state in
            defer { state.sites[site, default: SiteState()].isHeld = true }
            return state.sites[site]?.isHeld != true
        }
        if isNew {
            listener.register(SiteLocations.holders(of: site)) { [weak self] connection in
                guard let self else { return connection.channel.close(promise: nil) }
                accept(connection, for: site)
            }
        }
        enqueue.yield(.survey(site))
    }

    /// Serves it no longer; its connections end.
    func drop(_ site: Digest256) {
        listener.unregister(SiteLocations.holders(of: site))
        let connections = state.withLock { state in
            state.sites[site]?.isHeld = false
            return state.sites[site].map { Array($0.connections.values) } ?? []
        }
        for connection in connections { connection.close() }
        enqueue.yield(.survey(site))
    }

    func isHeld(_ site: Digest256) -> Bool { state.withLock { $0.sites[site]?.isHeld ?? false } }

    /// Says which releases' files are here completely.
    func setHeld(_ releases: [Int64], of site: Digest256) {
        let connections = state.withLock { state in
            state.sites[site, default: SiteState()].held = releases
            return state.sites[site].map { Array($0.connections.values) } ?? []
        }
        for connection in connections { connection.setHeld(releases) }
        enqueue.yield(.survey(site))
    }

    func heldReleases(of site: Digest256) -> [Int64] { state.withLock { $0.sites[site]?.held ?? [] } }

    func mayServe(_ site: Digest256) -> Bool { context.admission.admits(.serve, Admission.Subject(site: site)) }

    /// On the listener's loop.
    private func accept(_ incoming: IncomingConnection, for site: Digest256) {
        guard mayServe(site), isHeld(site) else { return incoming.channel.close(promise: nil) }
        let loop = incoming.channel.eventLoop
        guard let connection = begin(site, incoming.endpoint, isOutgoing: false, loop: loop) else {
            return incoming.channel.close(promise: nil)
        }
        received(incoming.received.readableBytes, for: site)
        let driver = connection.makeDriver(service: self, early: incoming.received)
        do {
            try incoming.channel.pipeline.syncOperations.addHandler(driver)
        } catch {
            driver.close()
            incoming.channel.close(promise: nil)
        }
    }

    /// Counts a connection in; nil where there are too many.
    private func begin(
        _ site: Digest256,
        _ remote: Endpoint,
        isOutgoing: Bool,
        loop: any EventLoop
    ) -> SiteConnection? {
        state.withLock { state in
            guard state.connections < Self.maximumConnections else { return nil }
            let entry = state.sites[site, default: SiteState()]
            if !isOutgoing {
                let same = entry.connections.values.count { !$0.isOutgoing && $0.remote.address == remote.address }
                guard same < Self.maximumFromAddress else { return nil }
            }
            state.nextConnection += 1
            state.connections += 1
            let connection = SiteConnection(
                id: state.nextConnection,
                site: site,
                remote: remote,
                isOutgoing: isOutgoing,
                loop: loop
            )
            state.sites[site, default: SiteState()].connections[connection.id] = connection
            return connection
        }
    }

    // MARK: Dialling

    /// Connects to a peer, or uses the connection there is, and asks what it follows. `done` is called once.
    func dial(_ endpoint: Endpoint, for site: Digest256, done: @escaping @Sendable (SiteSyncOutcome) -> Void) {
        let open = connections(of: site).first { $0.endpoint == endpoint }
        if let open { return open.synchronise(done) }
        guard let connection = begin(site, endpoint, isOutgoing: true, loop: loop) else { return done(.unreachable) }
        let connected = sockets.connect(to: endpoint, timeout: .seconds(5)) { channel in
            let driver = connection.makeDriver(service: self)
            driver.synchronise(done)
            try channel.pipeline.syncOperations.addHandler(driver)
        }
        connected.whenFailure { _ in
            // Where not even a channel was made there is no driver to say it.
            connection.close { done(.unreachable) }
            self.closed(connection)
        }
    }

    /// Closes every connection.
    func closeAll() {
        let all = state.withLock { $0.sites.values.flatMap { Array($0.connections.values) } }
        for connection in all { connection.close() }
    }
}

/// What the drivers of connections say, on their loops.
extension SiteService {
    func feedForConnection(to site: Digest256, on loop: any EventLoop) -> EventLoopFuture<Void> {
        if feeds.cached(site) != nil { return loop.makeSucceededVoidFuture() }
        let feeds = feeds
        return context.blocking.run(on: loop) { _ = try feeds.feed(of: site) }
    }

    func received(_ count: Int, for site: Digest256) {
        state.withLock { state in
            state.received += Int64(count)
            state.sites[site]?.received += Int64(count)
        }
    }

    /// - Returns: false where the site is no longer served to those who come by themselves.
    func opened(_ connection: SiteConnection, peerPort: UInt16?) -> Bool {
        if !connection.isOutgoing { connection.peerListens(at: peerPort) }
        return mayServe(connection.site)
    }

    func learnt(_ key: PublicKey, of site: Digest256) {
        state.withLock { $0.sites[site]?.key = key }
    }

    func peer(_ connection: SiteConnection, follows head: SignedHead, holds: [Int64]) {}

    /// Blocks off the loop until the feed is on disk; then everybody else who is connected hears of it.
    func keep(_ feed: SiteFeed, from connection: SiteConnection, on loop: any EventLoop) -> EventLoopFuture<Void> {
        guard context.admission.admits(.store, Admission.Subject(site: feed.site)) else {
            return loop.makeSucceededVoidFuture()
        }
        let feeds = feeds
        return context.blocking.run(on: loop) { try feeds.merge(feed) }.map { merged in
            guard merged.hasChanged, let feed = merged.feed else { return }
            self.changed(feed, except: connection.id)
        }
    }

    /// Tells all connections of the site, and the schedule, of a state that is on disk.
    func changed(_ feed: SiteFeed, except id: UInt64? = nil) {
        for connection in connections(of: feed.site) where connection.id != id { connection.feedChanged(feed) }
        enqueue.yield(.survey(feed.site))
    }

    func concluded(_ connection: SiteConnection, _ outcome: SiteSyncOutcome) {
        guard outcome == .agreed || outcome == .behind, let endpoint = connection.endpoint else { return }
        state.withLock { state in
            guard var entry = state.sites[connection.site] else { return }
            if entry.holders.count >= Self.maximumHolders, entry.holders[endpoint] == nil,
                let oldest = entry.holders.min(by: { $0.value < $1.value })
            {
                entry.holders[oldest.key] = nil
            }
            entry.holders[endpoint] = .now
            state.sites[connection.site] = entry
        }
    }

    func misbehaved(_ connection: SiteConnection, _ what: String) {
        if let endpoint = connection.endpoint {
            state.withLock { $0.sites[connection.site]?.holders[endpoint] = nil }
        }
        context.logger.debug("site exchange ended", metadata: ["reason": "\(what)"])
    }

    func closed(_ connection: SiteConnection) {
        connection.ended()
        state.withLock { state in
            guard state.sites[connection.site]?.connections.removeValue(forKey: connection.id) != nil else { return }
            state.connections -= 1
        }
    }

    /// A directory node to serve; nil where it is not here or a rule forbids it.
    func node(_ hash: Digest256, of site: Digest256, on loop: any EventLoop) -> EventLoopFuture<[UInt8]?> {
        guard mayServe(site) else { return loop.makeSucceededFuture(nil) }
        let directories = directories
        return context.blocking.run(on: loop) { try directories.node(hash, site: site) }
    }

    /// Held sites to be looked for now: each about every half hour, a few at a time, spread over the first minutes.
    func sitesToLookFor(now: ContinuousClock.Instant) -> [Digest256] {
        state.withLock { state in
            var due: [Digest256] = []
            for (site, entry) in state.sites where entry.isHeld {
                guard let next = entry.nextLook else {
                    state.sites[site]?.nextLook = now + .seconds(Int.random(in: 30...300))
                    continue
                }
                guard next <= now, due.count < Self.looksAtATime else { continue }
                due.append(site)
                state.sites[site]?.nextLook = now + .seconds(Int.random(in: 1500...2100))
            }
            return due
        }
    }

    /// Whether it is time to look for a recovery again; at most hourly.
    func shouldSearchRecovery(of site: Digest256) -> Bool {
        state.withLock { state in
            let now = ContinuousClock.now
            if let last = state.sites[site]?.lastRecoverySearch, now - last < .seconds(3600) { return false }
            state.sites[site, default: SiteState()].lastRecoverySearch = now
            return true
        }
    }
}
