// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Synchronization
public import Transport
public import Wire

/// A torrent that is being downloaded or served: what the rest of the program holds.
///
/// Thread-safe. Everything is handed to the torrent's event loop; methods that return nothing do not wait for it.
public final class Torrent: Sendable {
    /// Why a wait for content ended without it.
    public enum Failure: Error, Equatable, Sendable {
        /// The torrent was taken out of the swarm.
        case stopped
        /// A piece could not be written: the disk is full, or gone.
        case storage(PieceIndex)
        /// The range is none of the torrent's.
        case outOfRange
    }

    struct Waiter {
        var pieces: Set<Int>
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var observers: [Int: @Sendable (SessionEvent) -> Void] = [:]
        var nextNumber = 1
        var isStopped = false
    }

    /// Both of a hybrid from the start; a magnet link's may be fewer.
    public let infoHashes: InfoHashes
    let loop: any EventLoop
    private let services: SwarmServices
    let driver: NIOLoopBoundBox<TorrentDriver?>
    private let trackers: NIOLoopBoundBox<TorrentTrackers?>
    /// Those that wait for the info dictionary.
    private let webSeeds: NIOLoopBoundBox<[WebSeedAddress]>
    let waiters: NIOLoopBoundBox<[Int: Waiter]>
    private let state = Mutex(State())

    init(infoHashes: InfoHashes, services: SwarmServices) {
        self.infoHashes = infoHashes
        self.services = services
        loop = services.loop
        trackers = NIOLoopBoundBox.makeBoxSendingValue(nil, eventLoop: loop)
        webSeeds = NIOLoopBoundBox.makeBoxSendingValue([], eventLoop: loop)
        driver = NIOLoopBoundBox.makeBoxSendingValue(nil, eventLoop: loop)
        waiters = NIOLoopBoundBox.makeBoxSendingValue([:], eventLoop: loop)
    }

    /// On the loop.
    func start(_ driver: TorrentDriver) { self.driver.value = driver }

    /// Takes over a connection that somebody made to us.
    public func accept(_ connection: IncomingConnection) {
        guard loop.inEventLoop else { return loop.execute { self.accept(connection) } }
        guard let driver = driver.value else {
            connection.close()
            return
        }
        driver.accept(connection)
    }

    // MARK: Commands

    /// Peers to try, at once.
    ///
    /// `source`: where the addresses come from; those of the user are tried for as long as the torrent is there.
    /// `isAlive`: they have just answered elsewhere, and are tried soon even if they failed before.
    /// `holdAll`: they have just said so elsewhere, and speak as we do: they are asked with the handshake already.
    public func add(peers: [Endpoint], source: PeerSource = .dht, isAlive: Bool = false, holdAll: Bool = false) {
        guard !peers.isEmpty else { return }
        update { $0.add(peers: peers, source: source, isAlive: isAlive, holdAll: holdAll, now: $1) }
    }

    /// See ``Swarm/setReached(at:)``.
    func setReached(at addresses: [IPAddress]) {
        guard !addresses.isEmpty else { return }
        loop.execute { self.driver.value?.session.reachedAt = addresses }
    }

    /// Announces to trackers, by tier, the first tier first, until the torrent ends; instead of those of an earlier call.
    public func announce(to tiers: [[TrackerAddress]]) {
        loop.execute {
            self.trackers.value?.stop {}
            self.trackers.value = nil
            guard let driver = self.driver.value, tiers.contains(where: { !$0.isEmpty }) else { return }
            self.trackers.value = TorrentTrackers(tiers: tiers, driver: driver, client: self.services.trackers) {
                [weak driver] peers in
                driver?.update { $0.add(peers: peers, source: .tracker, now: $1) }
            }
        }
    }

    /// Downloads from web seeds as well, as soon as the info dictionary is known.
    public func use(webSeeds: [WebSeedAddress]) {
        guard !webSeeds.isEmpty else { return }
        loop.execute {
            self.webSeeds.value += webSeeds
            self.startWebSeeds()
        }
    }

    private func startWebSeeds() {
        guard let driver = driver.value, driver.metainfo != nil else { return }
        let fresh = webSeeds.value
        webSeeds.value = []
        for seed in fresh { driver.addWebSeed(seed, dialer: services.web, places: services.webPlaces) }
    }

    /// What is known of the web seeds that are in use, in no order.
    public func webSeedStatus() async -> [WebSeedStatus] {
        await ask { driver in
            driver.webSeeds.values.map {
                let (received, retirement) = ($0.received, $0.retirement)
                return WebSeedStatus(
                    url: $0.address.url,
                    received: received,
                    isWaiting: $0.isWaiting,
                    retirement: retirement
                )
            }
        } ?? []
    }

    /// What is known of the trackers, in the order in which they were given.
    public func trackerStatus() async -> [TrackerStatus] {
        (try? await loop.submit { self.trackers.value?.status ?? [] }.get()) ?? []
    }

    /// Adds pieces to those that are downloaded.
    public func want(pieces: Range<Int>) { update { $0.want(pieces, now: $1) } }

    /// Pieces that are in the storage and verified by other means.
    public func found(pieces: Range<Int>) { update { $0.found(pieces, now: $1) } }

    /// Pieces that are not in the storage any more, or not as they were: downloaded again where they are wanted.
    public func lost(pieces: [Int]) {
        guard !pieces.isEmpty else { return }
        update { $0.lost(pieces, now: $1) }
    }

    /// Where its pieces are kept; nil while the info dictionary is unknown, and once it has been stopped.
    public func storage() async -> (any PieceStorage)? { await ask { $0.storage } ?? nil }

    /// Takes the info dictionary, where peers are still asked for it; ``metainfo()`` tells when it has been taken. It must be right.
    public func learn(infoDictionary: [UInt8]) { loop.execute { self.driver.value?.learn(infoDictionary) } }

    /// Takes piece layers that were made from files in the storage, by file root, so that peers can be given these.
    public func learn(pieceLayers: [Digest256: [UInt8]]) { update { $0.learn(pieceLayers: pieceLayers, now: $1) } }

    /// Adds files of a sparse torrent.
    ///
    /// - Returns: false where one does not fit into the torrent.
    public func add(files: [TorrentContent.HashedFile]) async -> Bool {
        await ask { driver in
            var fits = false
            driver.update { session, now in
                let (result, actions) = session.add(files: files, now: now)
                fits = result
                return actions
            }
            return fits
        } ?? false
    }

    /// Pieces that are in the storage no longer: peers are told (BEP 54), and they are fetched again only when wanted.
    public func lost(pieces: Range<Int>) { update { $0.lost(pieces, now: $1) } }

    /// Changes how fast this torrent may be, within what holds for all.
    public func setRates(_ rates: TransferRates) { loop.execute { self.driver.value?.rates.set(rates) } }

    /// Goes on after a failure to write.
    public func resume() { update { $0.resume(now: $1) } }

    private func update(_ change: @escaping @Sendable (inout TorrentSession, Duration) -> [SessionAction]) {
        loop.execute { self.driver.value?.update(change) }
    }

    func ask<Answer: Sendable>(_ body: @escaping @Sendable (TorrentDriver) -> Answer) async -> Answer? {
        try? await loop.submit { self.driver.value.map(body) }.get()
    }

    // MARK: Questions

    /// What the session tells of itself; nil once the torrent is stopped.
    public func status() async -> SessionStatus? {
        await ask { driver in
            var (status, bound) = driver.inspect { ($0.status, $0.diskBytes) }
            status.queues.append(SessionQueue("bytes at the disk threads", driver.results?.bytesUnderWay ?? 0, bound))
            return status
        }
    }

    /// The connected peers, to be shown.
    public func connectedPeers() async -> [SessionPeer] { await ask { $0.inspect { $0.peers } } ?? [] }

    /// Where the connected peers are.
    public func peers() async -> [Endpoint] { await ask { $0.inspect { $0.endpoints } } ?? [] }

    /// The pieces that are there; nil while the info dictionary is unknown.
    public func verified() async -> Bitfield? {
        await ask { driver in driver.inspect { $0.pieceCount == nil ? nil : $0.have } } ?? nil
    }

    /// Nil while the info dictionary is unknown, and for a sparse torrent.
    public func metainfo() async -> Metainfo? { await ask { $0.metainfo } ?? nil }

    /// The piece layers that are known completely, by file root; what peers proved of them included.
    public func pieceLayers() async -> [Digest256: [UInt8]] {
        await ask { driver in driver.inspect { $0.content?.pieceLayers ?? [:] } } ?? [:]
    }

    /// Calls `observer` on the torrent's event loop for each event, until the number returned is given to
    /// ``removeObserver(_:)``. It must not block.
    public func observe(_ observer: @escaping @Sendable (SessionEvent) -> Void) -> Int {
        state.withLock { state in
            defer { state.nextNumber += 1 }
            state.observers[state.nextNumber] = observer
            return state.nextNumber
        }
    }

    /// A number for a reader that no observer and no other reader has.
    func takeNumber() -> Int {
        state.withLock { state in
            defer { state.nextNumber += 1 }
            return state.nextNumber
        }
    }

    /// The observer hears nothing more, but for a call that is under way.
    public func removeObserver(_ number: Int) { state.withLock { $0.observers[number] = nil } }

    /// On the loop.
    func occurred(_ event: SessionEvent) {
        switch event {
        case .pieceVerified(let piece): resolve(Int(piece.raw))
        case .storageFailed(let piece): failWaiters(.storage(piece))
        case .complete: trackers.value?.completed()
        // Not from within the driver's own work.
        case .metadata: loop.execute { self.startWebSeeds() }
        default: break
        }
        let observers = state.withLock { Array($0.observers.values) }
        for observer in observers { observer(event) }
    }

    // MARK: Saving and ending

    /// Makes what was downloaded survive a crash, and lets the next start trust it.
    public func save() async throws {
        guard
            let (storage, have, threads) = await ask({ driver in
                (driver.storage, driver.inspect { $0.have }, driver.diskThreads)
            }), let storage
        else { return }
        try await threads.runIfActive { try storage.save(verified: have) }
    }

    /// Closes all connections; the object is of no more use. Trackers that know of us are told, which may take three seconds.
    ///
    /// Once it has returned nothing is written to the storage any more, and what was verified by then is there.
    func stop() async {
        await withCheckedContinuation { continuation in
            loop.execute {
                guard let trackers = self.trackers.value else { return continuation.resume() }
                self.trackers.value = nil
                trackers.stop { continuation.resume() }
            }
        }
        let results = try? await loop.submit {
            let results = self.driver.value?.results
            self.driver.value?.stop()
            self.driver.value = nil
            self.failWaiters(.stopped)
            return results
        }.get()
        await results?.settled()
    }
}
