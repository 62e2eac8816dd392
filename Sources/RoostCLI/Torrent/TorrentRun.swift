// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Foundation
internal import Kademlia
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Node
internal import Swarm
internal import Transport
internal import Wire

/// One swarm for one stand-alone command, and the DHT if it is to be asked.
final class TorrentRun: Sendable {
    /// Between two searches: short while nobody has been found, then twice as long each time.
    static let firstSearchInterval = Duration.seconds(2)
    static let searchInterval = Duration.seconds(30)

    let swarm: Swarm
    /// Where peers reach us, in each family; all of one port.
    let endpoints: [Endpoint]
    var endpoint: Endpoint { endpoints[0] }
    private let local: [LocalDiscoveryService]
    private let dht: DHTService?
    private let sockets: [UDPSocket]

    /// Listens.
    init(_ options: PeerOptions) async throws {
        let wanted = try options.listenEndpoints()
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        var configuration = SwarmConfiguration(cores: ProcessInfo.processInfo.activeProcessorCount)
        configuration.encryption = options.encryption
        configuration.transports = options.transports
        configuration.rates = try options.rates()
        configuration.client = "Roost \(Version.number)"
        var logger = Logger(label: "swarm") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = ProcessInfo.processInfo.environment["ROOST_LOG"] == "debug" ? .debug : .warning
        swarm = Swarm(loop: loop, configuration: configuration, logger: logger)
        (endpoints, sockets) = try await Self.listen(on: wanted, swarm, options)
        if !sockets.isEmpty { try await swarm.useUDP(sockets) }
        dht = if options.usesDHT, !sockets.isEmpty { try await Self.startDHT(options, sockets) } else { nil }
        let swarm = swarm
        local = (options.usesLocalDiscovery ? endpoints : []).map { endpoint in
            LocalDiscoveryService(listen: endpoint, loop: loop) { hash, peer in
                guard AddressPolicy.named(by: peer.address).admits(peer) else { return }
                swarm.torrent(hash)?.add(peers: [peer], source: .lsd)
            }
        }
        for service in local { service.start() }
    }

    /// Takes the port: for TCP, UDP or both. For port 0 one is looked for that is free on both.
    private static func listen(
        on wanted: [Endpoint],
        _ swarm: Swarm,
        _ options: PeerOptions
    ) async throws -> ([Endpoint], [UDPSocket]) {
        let usesUDP = options.utp != .off || options.usesDHT
        var attempts = wanted[0].port == 0 ? 16 : 1
        while true {
            attempts -= 1
            var sockets: [UDPSocket] = []
            var place = wanted[0]
            do {
                for endpoint in usesUDP || wanted.count > 1 ? wanted : [] {
                    place = Endpoint(endpoint.address, port: sockets.first?.localEndpoint.port ?? endpoint.port)
                    sockets.append(try await UDPSocket.bind(to: place, on: swarm.eventLoop))
                }
                let local = sockets.isEmpty ? wanted : sockets.map { $0.localEndpoint }
                return (options.utp == .only ? local : try await swarm.listen(on: local), sockets)
            } catch {
                for socket in sockets { await socket.close() }
                if attempts == 0 { throw PortFailure.error(place, error) }
            }
        }
    }

    private static func startDHT(_ options: PeerOptions, _ sockets: [UDPSocket]) async throws -> DHTService {
        let families = Set(sockets.map { $0.localEndpoint.family })
        let service = try await DHTService.start(on: sockets, configuration: DHTConfiguration(), statePath: nil)
        service.join(through: await DHTService.resolve(options.bootstrap, families: families))
        if options.network == "mainline" {
            let routers = await DHTService.resolve(DHTSpecification.mainlineRouters, families: families)
            service.join(through: routers, areRouters: true)
        }
        return service
    }

    /// Tells the local network of us, and hears of others there. Not for a private torrent, nor any more for a magnet that
    /// turns out to be one (BEP 27).
    private func announceLocally(_ torrent: Torrent) async {
        guard !local.isEmpty, await torrent.metainfo()?.isPrivate != true else { return }
        let (local, hashes) = (local, torrent.infoHashes.short)
        for service in local { for hash in hashes { service.announce(hash) } }
        _ = torrent.observe { [weak torrent] event in
            guard event == .metadata, let torrent else { return }
            Task {
                guard await torrent.metainfo()?.isPrivate == true else { return }
                for service in local { for hash in hashes { service.withdraw(hash) } }
            }
        }
    }

    /// Looks for peers and tells others of us, until cancelled.
    func useDHT(for torrent: Torrent) async {
        await announceLocally(torrent)
        guard let dht else { return }
        let (events, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let observer = torrent.observe { if $0 == .metadata { continuation.yield() } }
        defer { torrent.removeObserver(observer) }
        // BEP 27: of a private torrent nobody hears but its trackers.
        guard await torrent.metainfo()?.isPrivate != true else { return await TorrentRun.untilCancelled() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.search(dht, for: torrent) }
            // A magnet may turn out to be of a private one: then the search ends as well.
            for await _ in events where await torrent.metainfo()?.isPrivate == true { group.cancelAll() }
            await group.waitForAll()
        }
        await TorrentRun.untilCancelled()
    }

    private func search(_ dht: DHTService, for torrent: Torrent) async {
        let port = endpoint.port
        await withTaskGroup(of: Void.self) { group in
            for hash in torrent.infoHashes.short {
                group.addTask { _ = try? await dht.announce(hash, port: port) }
                group.addTask {
                    var pause = Self.firstSearchInterval
                    while !Task.isCancelled {
                        for await peers in dht.peers(for: hash) { torrent.add(peers: peers) }
                        let isAlone = await torrent.peers().isEmpty
                        try? await Task.sleep(for: isAlone ? pause : Self.searchInterval)
                        pause = min(pause * 2, Self.searchInterval)
                    }
                }
            }
        }
    }

    private static func untilCancelled() async {
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
    }

    func shutdown() async {
        for service in local { await service.shutdown() }
        await swarm.shutdown()
        try? await dht?.shutdown()
        for socket in sockets { await socket.close() }
    }

    /// Does what standard input says: `peer HOST:PORT`, `quit`.
    ///
    /// - Returns: true at `quit`, false where the input ended.
    static func follow(_ lines: EventLines, _ torrent: Torrent) async -> Bool {
        for await line in lines.input.lines {
            lines.input.taken()
            let words = line.split(separator: " ")
            if words.first == "quit" { return true }
            if words.first == "peer", words.count == 2, let endpoint = Endpoint(String(words[1])) {
                torrent.add(peers: [endpoint], source: .user)
            }
        }
        return false
    }
}
