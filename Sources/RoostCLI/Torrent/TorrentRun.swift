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
    let endpoint: Endpoint
    private let dht: DHTService?
    private let socket: UDPSocket?

    /// Listens.
    init(_ options: PeerOptions) async throws {
        let wanted = try options.listenEndpoint()
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        var configuration = SwarmConfiguration(cores: ProcessInfo.processInfo.activeProcessorCount)
        configuration.encryption = options.encryption
        configuration.client = "Roost \(Version.number)"
        var logger = Logger(label: "swarm") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = ProcessInfo.processInfo.environment["ROOST_LOG"] == "debug" ? .debug : .warning
        swarm = Swarm(loop: loop, configuration: configuration, logger: logger)
        do {
            endpoint = try await swarm.listen(on: wanted)
        } catch {
            throw PortFailure.error(wanted, error)
        }
        (dht, socket) = options.usesDHT ? try await Self.startDHT(options, endpoint) : (nil, nil)
    }

    private static func startDHT(_ options: PeerOptions, _ endpoint: Endpoint) async throws -> (DHTService, UDPSocket) {
        let socket: UDPSocket
        do {
            socket = try await UDPSocket.bind(to: endpoint, on: MultiThreadedEventLoopGroup.singleton.any())
        } catch {
            throw PortFailure.error(endpoint, error)
        }
        let service = try await DHTService.start(on: [socket], configuration: DHTConfiguration(), statePath: nil)
        service.join(through: await DHTService.resolve(options.bootstrap, families: [endpoint.family]))
        if options.network == "mainline" {
            let routers = await DHTService.resolve(DHTSpecification.mainlineRouters, families: [endpoint.family])
            service.join(through: routers, areRouters: true)
        }
        return (service, socket)
    }

    /// Looks for peers and tells others of us, until cancelled.
    func useDHT(for torrent: Torrent) async {
        guard let dht else { return }
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

    func shutdown() async {
        await swarm.shutdown()
        try? await dht?.shutdown()
        await socket?.close()
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
