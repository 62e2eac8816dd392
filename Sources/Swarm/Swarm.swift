// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
public import Logging
public import NIOCore
internal import NIOPosix
internal import Synchronization
public import Transport
public import Wire

/// All torrents of a program: one event loop for their connections, one port, one pool of threads for hash and disk.
///
/// One loop is enough to fill several network cards, and with it no block ever changes threads on the network side; hashing,
/// which costs more than all of the network, has the other cores.
public final class Swarm: Sendable {
    /// The port that others reach us at; sites are registered there as well.
    public let listener: SwarmListener
    let services: SwarmServices
    private let configuration: SwarmConfiguration
    private let logger: Logger
    private let torrents = Mutex<[Digest160: Torrent]>([:])
    private let listenPort = Mutex<UInt16?>(nil)
    private let reachedAt = Mutex<[IPAddress]>([])

    /// Why a torrent was not taken in.
    public enum Failure: Error, Equatable, Sendable {
        /// A torrent with one of these hashes is there already.
        case duplicate(Digest160)
        /// No infohash, or metadata that a session cannot take.
        case unusable
    }

    /// `loop`: where all connections live; of a group that the caller keeps running.
    public init(loop: any EventLoop, configuration: SwarmConfiguration, logger: Logger) {
        let sockets = TCPSockets(loop: loop, configuration: configuration.tcp)
        let disk = DiskPool(threadCount: configuration.diskThreads, retainedBytes: configuration.retainedBufferBytes)
        let obfuscation = NIOLoopBoundBox.makeBoxSendingValue(
            Obfuscation(policy: configuration.encryption),
            eventLoop: loop
        )
        let connector = StreamConnector(
            loop: loop,
            sockets: sockets,
            obfuscation: obfuscation,
            transports: configuration.transports
        )
        let web = HTTPDialer(loop: loop, configuration: configuration.http)
        services = SwarmServices(
            loop: loop,
            connector: .makeBoxSendingValue(connector, eventLoop: loop),
            disk: disk,
            buffers: .makeBoxSendingValue(BufferPool(loop: loop), eventLoop: loop),
            budget: ConnectionBudget(limit: configuration.maximumConnections),
            trackers: TrackerClient(dialer: web),
            web: web,
            dials: ConnectionBudget(limit: configuration.maximumDials),
            limits: .makeBoxSendingValue(SwarmLimits(configuration.rates), eventLoop: loop)
        )
        listener = SwarmListener(
            loop: loop,
            sockets: sockets,
            obfuscation: obfuscation,
            patience: TimeAmount(configuration.greetingPatience)
        )
        self.configuration = configuration
        self.logger = logger
    }

    /// Accepts connections from now on.
    ///
    /// - Returns: where, with the port that was chosen in place of 0.
    public func listen(on endpoint: Endpoint) async throws -> Endpoint { try await listen(on: [endpoint])[0] }

    /// Accepts connections at all of these, or at none: one of each family, of one port, which is not 0 where there are two.
    public func listen(on endpoints: [Endpoint]) async throws -> [Endpoint] {
        let bound = try await listener.listen(on: endpoints)
        listenPort.withLock { $0 = bound.first?.port }
        return bound
    }

    /// Makes and accepts uTP connections over these sockets from now on, in place of any others.
    ///
    /// They must be of the swarm's event loop, and are its user's to close. Peers are told the port of the first where none
    /// listens on TCP.
    public func useUDP(_ sockets: [UDPSocket]) async throws {
        guard configuration.transports.contains(.utp), let first = sockets.first else { return }
        listenPort.withLock { $0 = $0 ?? first.localEndpoint.port }
        let (listener, services) = (listener, services)
        let seed = UInt64.random(in: 0 ... .max)
        try await services.loop.submit {
            let connector = services.connector.value
            if let utp = connector.utp { return utp.replace(sockets) }
            connector.utp = UTPTransport(sockets: sockets, loop: services.loop, seed: seed) { stream in
                listener.admit(UTPPeerStream(stream))
            }
        }.get()
    }

    /// Connects to a peer that torrents are about to dial: within four seconds, that takes them no round trip. At most four at
    /// a time; more are left to the dial itself.
    public func prepare(_ endpoint: Endpoint) {
        let services = services
        services.loop.execute { services.connector.value.prepare(endpoint) }
    }

    /// Where all connections live.
    public var eventLoop: any EventLoop { services.loop }

    /// Stops every torrent and closes the port.
    public func shutdown() async {
        await listener.close()
        for torrent in torrents.withLock({ Array($0.values) }) { await remove(torrent) }
        let services = services
        try? await services.loop.submit {
            services.connector.value.prepared.closeAll()
            services.connector.value.utp?.shutdown()
        }.get()
        services.trackers.close()
        await services.disk.shutdown()
    }

    // MARK: Torrents

    /// A torrent whose metadata is known.
    ///
    /// `have`: the pieces that are in `storage` and verified.
    public func add(
        _ metainfo: Metainfo,
        storage: any PieceStorage,
        have: Bitfield,
        adjust: (inout SessionConfiguration) -> Void = { _ in }
    ) async throws -> Torrent {
        guard let content = TorrentContent(metainfo) else { throw Failure.unusable }
        return try await start(
            metainfo.infoHashes,
            content: content,
            metainfo: metainfo,
            storage: storage,
            have: have,
            configuration: makeConfiguration(adjust),
            prepare: { _, _ in (storage, have) }
        )
    }

    /// A torrent of which only the infohashes are known: peers send the metadata.
    ///
    /// `prepare`: makes the storage when the metadata is there.
    public func add(
        magnet infoHashes: InfoHashes,
        prepare: @escaping TorrentPreparation,
        adjust: (inout SessionConfiguration) -> Void = { _ in }
    ) async throws -> Torrent {
        try await start(
            infoHashes,
            content: nil,
            metainfo: nil,
            storage: nil,
            have: nil,
            configuration: makeConfiguration(adjust),
            prepare: prepare
        )
    }

    /// A v2 torrent without its info dictionary: files are added as they are wanted, and only pieces that something wants
    /// are downloaded.
    public func add(
        sparse v2: Digest256,
        pieceLength: Int,
        pieceCount: Int,
        storage: any PieceStorage,
        have: Bitfield? = nil,
        adjust: (inout SessionConfiguration) -> Void = { _ in }
    ) async throws -> Torrent {
        guard let content = TorrentContent(sparsePieceLength: pieceLength, pieceCount: pieceCount) else {
            throw Failure.unusable
        }
        var configuration = makeConfiguration(adjust)
        configuration.wantsEverything = false
        return try await start(
            InfoHashes(v2: v2),
            content: content,
            metainfo: nil,
            storage: storage,
            have: have,
            configuration: configuration,
            prepare: { _, _ in throw Failure.unusable }
        )
    }

    /// Ends a torrent; its connections are closed when this returns.
    public func remove(_ torrent: Torrent) async {
        for hash in torrent.infoHashes.short {
            listener.unregister(hash)
            torrents.withLock { $0[hash] = nil }
        }
        await torrent.stop()
    }

    /// Tells trackers that we have all of the torrents with these hashes, which need not be open, until that is stopped.
    public func tell(_ tiers: [[TrackerAddress]], of hashes: [Digest160]) -> TrackerPresence {
        TrackerPresence(
            hashes,
            tiers,
            peerID: makeConfiguration { _ in }.peerID,
            port: listenPort.withLock { $0 } ?? 0,
            services: services
        )
    }

    /// The torrent of this 20-byte hash.
    public func torrent(_ hash: Digest160) -> Torrent? { torrents.withLock { $0[hash] } }

    /// Changes how fast all torrents together may be. Takes effect at once.
    public func setRates(_ rates: TransferRates) {
        let limits = services.limits
        services.loop.execute { limits.value.everything.set(rates) }
    }

    /// Tells peers from now on where else we are reached (BEP 10 `ipv4`, `ipv6`): at most one address of each family. Nobody is
    /// told one of a network that is not his.
    public func setReached(at addresses: [IPAddress]) {
        reachedAt.withLock { $0 = addresses }
        for torrent in torrents.withLock({ Array($0.values) }) { torrent.setReached(at: addresses) }
    }

    /// Changes how many connections all torrents together may have, and how many of them may be in the making. None is
    /// closed for it.
    public func setLimits(connections: Int, dials: Int) {
        services.budget.setLimit(connections)
        services.dials.setLimit(dials)
    }

    /// Changes how fast the torrents of one ``BitTorrent/SessionConfiguration/rateClass`` may be together.
    public func setRates(_ rates: TransferRates, ofClass name: String) {
        let limits = services.limits
        services.loop.execute { limits.value.ofClass(name).set(rates) }
    }

    private func makeConfiguration(_ adjust: (inout SessionConfiguration) -> Void) -> SessionConfiguration {
        var random = SystemRandomNumberGenerator()
        var id = Array(configuration.peerIDPrefix.utf8.prefix(8))
        while id.count < Digest160.byteCount { id.append(UInt8.random(in: 0...255, using: &random)) }
        var session = SessionConfiguration(peerID: Digest160(id) ?? .zero)
        session.client = configuration.client
        session.listenPort = listenPort.withLock { $0 }
        adjust(&session)
        return session
    }

    private func start(
        _ infoHashes: InfoHashes,
        content: TorrentContent?,
        metainfo: Metainfo?,
        storage: (any PieceStorage)?,
        have: Bitfield?,
        configuration: SessionConfiguration,
        prepare: @escaping TorrentPreparation
    ) async throws -> Torrent {
        guard !infoHashes.isEmpty else { throw Failure.unusable }
        let torrent = Torrent(infoHashes: infoHashes, services: services)
        try register(torrent)
        let services = services
        let logger = logger
        let seed = UInt64.random(in: 0 ... .max)
        try await services.loop.submit {
            let own = SwarmLimits.Pair()
            var configuration = configuration
            configuration.usesUTP = services.connector.value.utp != nil
            let session = TorrentSession(
                infoHashes: infoHashes,
                content: content,
                infoDictionary: metainfo?.infoDictionary,
                have: have,
                configuration: configuration,
                limits: services.limits.value.limits(own: own, className: configuration.rateClass),
                seed: seed,
                now: TorrentDriver.now
            )
            let driver = TorrentDriver(
                session: session,
                storage: storage,
                metainfo: metainfo,
                services: services,
                rates: own,
                logger: logger,
                prepare: prepare,
                onEvent: { [weak torrent] in torrent?.occurred($0) }
            )
            torrent.start(driver)
        }.get()
        torrent.setReached(at: reachedAt.withLock { $0 })
        for hash in infoHashes.short {
            listener.register(hash) { [weak torrent] connection in
                guard let torrent else { return connection.close() }
                torrent.accept(connection)
            }
        }
        return torrent
    }

    private func register(_ torrent: Torrent) throws {
        try torrents.withLock { torrents in
            for hash in torrent.infoHashes.short where torrents[hash] != nil { throw Failure.duplicate(hash) }
            for hash in torrent.infoHashes.short { torrents[hash] = torrent }
        }
    }
}
