// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Feeds
internal import Logging
internal import NIOCore
internal import Storage
internal import Swarm
internal import Synchronization
internal import Wire

/// The torrents of this node's sites: which are open, for whom, and how they find peers.
///
/// A torrent that nobody needs is only a hash at the listener: its session is built when a peer comes for it or a reader
/// wants a block, and taken down after ``idleTime`` without either. Memory: 120 bytes a served hash; at most
/// ``maximumOpen`` sessions, the longest idle going first.
actor SwarmService {
    static let idleTime = Duration.seconds(60)
    static let maximumOpen = 64
    /// Between two searches for peers of a torrent that lacks pieces and is getting some.
    static let searchInterval = Duration.seconds(20)
    /// Between the first two searches where nothing comes; doubled up to ``searchInterval``.
    static let firstSearchInterval = Duration.milliseconds(500)
    /// Between two looks at what is open: while somebody waits for it, and otherwise.
    static let housekeeping = (busy: Duration.milliseconds(500), idle: Duration.seconds(2))

    /// Between two saves of what is being downloaded.
    static let saveInterval = Duration.seconds(5)

    /// An open torrent and what it is needed for.
    struct OpenTorrent {
        var torrent: Torrent
        /// Of a release: the site, whose holders have it too.
        var site: Digest256?
        /// The storage of a torrent that is open file by file.
        var sparse: SiteStorage?
        /// Of a v1 twin from which files are taken: what becomes of them.
        var twin: TwinFiles?
        /// Of a v1 twin: the hash of the v2 torrent.
        var twinOf: Digest160?
        /// Readers and fetches that need it now.
        var users = 0
        var lastNeeded: ContinuousClock.Instant
        var lastSearch: ContinuousClock.Instant?
        var searchPause = SwarmService.firstSearchInterval
        /// Payload at the last look.
        var lastDownloaded: Int64 = 0
        /// A fetch of it was given up: it ends when nobody else needs it.
        var isGivenUp = false
        var isSearching = false
        /// How often each piece that could not be read was looked into.
        var looks: [PieceIndex: Int] = [:]
        /// Trackers and web seeds that it uses.
        var sources = SourceHints()
        var name: String
    }

    /// What the service does in the background, each in a task of its own.
    enum Job: Sendable {
        case incoming(IncomingConnection)
        case search(Digest160)
        /// A peer has just proved that it follows a site.
        case holder(Endpoint, Digest256)
        case housekeeping
        case twin(ReleaseFiles)
        /// Files have gone from the store, or come back to it.
        case contentChanged
        /// A torrent could not read what it has.
        case unreadable(Digest160, PieceIndex)
    }

    nonisolated let swarm: Swarm
    nonisolated let context: NodeContext
    nonisolated let finder: any PeerFinding
    var open: [Digest160: OpenTorrent] = [:]
    /// Torrents that are being opened, replaced or closed, and who waits for the end of that.
    var changing: [Digest160: [CheckedContinuation<Void, Never>]] = [:]
    var isEnding = false
    private var lastSave = ContinuousClock.now
    /// Files that nobody used in one such time, or in two, are closed.
    private static let tidyingInterval = Duration.seconds(60)
    private var lastTidying = ContinuousClock.now
    var served: [Digest160: ServedTorrent] = [:]
    /// By v2 hash: releases of which parts were read, and are served.
    var parts: [Digest160: SiteRelease] = [:]
    /// Payload of torrents that are closed again.
    var closedDown: Int64 = 0
    var closedUp: Int64 = 0
    /// Beyond its bound a connection is refused and a search is left to the next round.
    nonisolated let enqueue = JobQueue<Job>(bound: 512)
    /// Files whose torrents are to be told that they have gone, or are back.
    nonisolated let changedFiles = Mutex<Set<ContentKey>>([])

    let patience: FetchPatience
    /// Of pages from the disk.
    nonisolated let reader: CheckedReader

    init(context: NodeContext, swarm: Swarm, finder: any PeerFinding, patience: FetchPatience = FetchPatience()) {
        self.patience = patience
        self.context = context
        reader = CheckedReader(context: context)
        self.swarm = swarm
        self.finder = finder
        context.content.observeLosses { [weak self] key in self?.noteChange(of: key) }
    }

    /// Works until cancelled, then closes every torrent.
    func run() async throws {
        await withDiscardingTaskGroup { group in
            group.addTask {
                while !Task.isCancelled {
                    try? await Task.sleep(for: await self.pause)
                    self.enqueue.yield(.housekeeping)
                }
                self.enqueue.finish()
            }
            for await job in enqueue.jobs {
                group.addTask { await self.perform(job) }
            }
        }
        isEnding = true
        for hash in Array(open.keys) { await close(hash) }
    }

    private func perform(_ job: Job) async {
        switch job {
        case .incoming(let connection): await accept(connection)
        case .search(let hash): await search(hash)
        case .holder(let peer, let site):
            for entry in open.values where entry.site == site && entry.users > 0 {
                entry.torrent.add(peers: [peer], isAlive: true)
            }
        case .housekeeping: await keepHouse()
        case .twin(let files): await makeTwin(files)
        case .contentChanged: await followContent()
        case .unreadable(let hash, let piece): await look(into: piece, of: hash)
        }
    }

    // MARK: Serving

    /// Serves a torrent of a release from now on, to whoever names its hash.
    func serve(_ torrent: ServedTorrent, hash: Digest160) {
        served[hash] = torrent
        if swarm.torrent(hash) == nil { listen(for: hash) }
    }

    /// Serves it no longer; connections to it end.
    func stopServing(_ hash: Digest160) async {
        served[hash] = nil
        parts[hash] = nil
        await close(hash)
        if swarm.torrent(hash) == nil { swarm.listener.unregister(hash) }
    }

    func listen(for hash: Digest160) {
        let enqueue = enqueue
        swarm.listener.register(hash) { connection in
            guard enqueue.yield(.incoming(connection)) else {
                connection.close()
                return
            }
        }
    }

    private func accept(_ connection: IncomingConnection) async {
        do {
            let torrent = try await servedTorrent(connection.hash)
            torrent.accept(connection)
        } catch {
            context.logger.debug("no torrent for a connection", metadata: ["error": "\(error)"])
            connection.close()
        }
    }

    private func servedTorrent(_ hash: Digest160) async throws -> Torrent {
        if let torrent = swarm.torrent(hash) { return torrent }
        guard let entry = served[hash] else {
            if let release = parts[hash] { return try await openParts(of: release) }
            throw NodeError(.notFound, "nothing is served under this hash", remedy: "Ask another peer.")
        }
        return try await openWhole(entry, hash: hash)
    }

    // MARK: Housekeeping

    private var pause: Duration {
        open.values.contains { $0.users > 0 } ? Self.housekeeping.busy : Self.housekeeping.idle
    }

    private func keepHouse() async {
        let now = ContinuousClock.now
        await saveIfDue(now)
        await followContent()
        reader.rest()
        if now - lastTidying > Self.tidyingInterval {
            lastTidying = now
            context.content.closeUnusedFiles()
        }
        for (hash, entry) in open {
            guard let status = await entry.torrent.status() else { continue }
            if entry.twin != nil { await takeLeft(of: entry) }
            let isNeeded = entry.users > 0 || status.peers > 0 && !entry.isGivenUp
            if isNeeded { open[hash]?.lastNeeded = now }
            if entry.users > 0, status.missingPieces > 0 || status.pieces == nil { searchAgain(hash, status, now) }
            if !isNeeded, entry.isGivenUp || now - entry.lastNeeded > Self.idleTime { await close(hash) }
        }
        if open.count > Self.maximumOpen { await closeLongestIdle() }
    }

    /// Soon and then ever more rarely where nothing comes, now and then where something does.
    private func searchAgain(_ hash: Digest160, _ status: SessionStatus, _ now: ContinuousClock.Instant) {
        guard var entry = open[hash] else { return }
        let isStarving = status.downloaded == entry.lastDownloaded
        entry.lastDownloaded = status.downloaded
        if !isStarving { entry.searchPause = Self.firstSearchInterval }
        open[hash] = entry
        guard
            now - (entry.lastSearch ?? .now - Self.searchInterval)
                >= (isStarving ? entry.searchPause : Self.searchInterval)
        else { return }
        beginSearch(hash)
    }

    /// What is being downloaded outlives a crash but for its last seconds.
    private func saveIfDue(_ now: ContinuousClock.Instant) async {
        guard open.values.contains(where: { $0.users > 0 }), now - lastSave >= Self.saveInterval else { return }
        lastSave = now
        let content = context.content
        do {
            try await context.blocking.run { try content.checkpoint() }
        } catch {
            context.logger.info("what was downloaded could not be saved", metadata: ["error": "\(error)"])
        }
        for entry in open.values where entry.users > 0 && entry.sparse != nil { await noteLayers(of: entry) }
    }

    private func closeLongestIdle() async {
        let idle = open.filter { $0.value.users == 0 }.sorted { $0.value.lastNeeded < $1.value.lastNeeded }
        for (hash, _) in idle.prefix(open.count - Self.maximumOpen) { await close(hash) }
    }

    // MARK: Peers

    /// Searches unless it has been done a moment ago.
    func beginSearch(_ hash: Digest160) {
        guard var entry = open[hash], !entry.isSearching else { return }
        if let last = entry.lastSearch {
            guard .now - last >= entry.searchPause else { return }
            entry.searchPause = min(entry.searchPause * 2, Self.searchInterval)
        }
        entry.isSearching = true
        entry.lastSearch = .now
        open[hash] = entry
        enqueue.yield(.search(hash))
    }

    private func search(_ hash: Digest160) async {
        defer { open[hash]?.isSearching = false }
        guard let entry = open[hash] else { return }
        let (torrent, finder) = (entry.torrent, finder)
        // Whoever holds a site says so under its id; a torrent's own hash is where those are who know nothing of sites.
        let places = torrent.infoHashes.short + (entry.site.map { [SiteLocations.holders(of: $0)] } ?? [])
        await withDiscardingTaskGroup { group in
            for place in places {
                group.addTask {
                    for await peers in finder.peers(for: place) { torrent.add(peers: peers) }
                }
            }
        }
    }
}
