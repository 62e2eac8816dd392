// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Kademlia
internal import Keys
internal import NIOCore
internal import NIOPosix
internal import Node
internal import Transport
internal import Wire

/// `roost dht node`: a node of a DHT and nothing else, for test networks and as their entrance.
struct DHTNodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node",
        abstract: "Run a stand-alone DHT node.",
        discussion: """
            With --events it reads one JSON command a line (announce, get_peers, put, get, put_immutable, \
            get_immutable, scrape, sample, zone, warm) and writes one JSON event a line, and ends with its input.
            """
    )

    @OptionGroup var options: GlobalOptions

    @Option(
        help: ArgumentHelp(
            "Where to listen; port 0 takes a free one. Once for IPv4 and once for IPv6: a node of both (BEP 32).",
            valueName: "host:port"
        )
    )
    var listen: [String] = ["0.0.0.0:6881"]

    @Option(help: ArgumentHelp("A node to begin at. May be repeated.", valueName: "host:port"))
    var bootstrap: [String] = []

    @Flag(help: "Begin at the well-known routers of Mainline.")
    var mainline = false

    @Flag(help: "Take commands from standard input.")
    var events = false

    @Flag(help: "Ask but never answer (BEP 43).")
    var readOnly = false

    @Option(
        help: ArgumentHelp(
            "Announce this node to all of a network of that name, and learn of all (S3-011).",
            valueName: "name"
        )
    )
    var zone: String?

    @Option(help: ArgumentHelp("Keep what the node learns in this file.", valueName: "file"))
    var state: String?

    func run() async throws {
        let endpoints = try listeningEndpoints()
        // One event loop for both families.
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        var sockets: [UDPSocket] = []
        for endpoint in endpoints { sockets.append(try await bind(endpoint, on: loop)) }
        var configuration = DHTConfiguration()
        configuration.isReadOnly = readOnly
        var announcer: PeerAnnouncer?
        if let zone {
            let id = Array(zone.utf8)
            configuration.zone = ZoneConfiguration(network: id)
            var generator = SystemRandomNumberGenerator()
            let seed = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            announcer = SigningKey(seed: seed).map { PeerAnnouncer(key: $0, network: id) }
        }
        let service = try await DHTService.start(
            on: sockets,
            configuration: configuration,
            statePath: state,
            announcer: announcer
        )
        await join(service, families: Set(endpoints.map { $0.family }))
        if events {
            await DHTEventLines(service: service).run()
        } else {
            let address = sockets.map { $0.localEndpoint.description }.joined(separator: " ")
            if options.json || !options.quiet {
                options.print(["listen": address]) { _ in "Listening on \(address). Ctrl-C ends it." }
            }
            await EndingSignal.wait()
        }
        do {
            try await service.shutdown()
        } catch {
            throw NodeError(.inputOutput, "The state was not saved: \(error).", remedy: "Check the disk and the path.")
        }
        for socket in sockets { await socket.close() }
    }

    private func listeningEndpoints() throws -> [Endpoint] {
        let endpoints = try listen.map { text in
            guard let endpoint = Endpoint(text) else {
                throw NodeError(
                    .usage,
                    "\(text) is no address and port.",
                    remedy: "Give one like 127.0.0.1:6881 or [::1]:6881."
                )
            }
            return endpoint
        }
        guard Set(endpoints.map { $0.family }).count == endpoints.count else {
            throw NodeError(
                .usage,
                "A node listens at one address of each family.",
                remedy: "Give --listen once for IPv4 and once for IPv6."
            )
        }
        return endpoints
    }

    private func bind(_ endpoint: Endpoint, on loop: any EventLoop) async throws -> UDPSocket {
        do {
            return try await UDPSocket.bind(to: endpoint, on: loop)
        } catch {
            throw PortFailure.error(endpoint, error)
        }
    }

    private func join(_ service: DHTService, families: Set<AddressFamily>) async {
        let entrances = await DHTService.resolve(bootstrap, families: families)
        service.join(through: entrances)
        guard mainline else { return }
        let routers = await DHTService.resolve(DHTSpecification.mainlineRouters, families: families)
        service.join(through: routers, areRouters: true)
    }
}
