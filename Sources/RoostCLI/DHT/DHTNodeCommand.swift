// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Kademlia
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
            get_immutable, warm) and writes one JSON event a line, and ends with its input.
            """
    )

    @OptionGroup var options: GlobalOptions

    @Option(help: ArgumentHelp("Where to listen; port 0 takes a free one.", valueName: "host:port"))
    var listen = "0.0.0.0:6881"

    @Option(help: ArgumentHelp("A node to begin at. May be repeated.", valueName: "host:port"))
    var bootstrap: [String] = []

    @Flag(help: "Begin at the well-known routers of Mainline.")
    var mainline = false

    @Flag(help: "Take commands from standard input.")
    var events = false

    @Flag(help: "Ask but never answer (BEP 43).")
    var readOnly = false

    @Option(help: ArgumentHelp("Keep what the node learns in this file.", valueName: "file"))
    var state: String?

    func run() async throws {
        guard let endpoint = Endpoint(listen) else {
            throw NodeError(
                .usage,
                "\(listen) is no address and port.",
                remedy: "Give one like 127.0.0.1:6881 or [::1]:6881."
            )
        }
        let socket = try await bind(endpoint)
        var configuration = DHTConfiguration()
        configuration.isReadOnly = readOnly
        let service = try await DHTService.start(on: [socket], configuration: configuration, statePath: state)
        await join(service, family: endpoint.family)
        if events {
            await DHTEventLines(service: service).run()
        } else {
            let address = socket.localEndpoint.description
            if options.json || !options.quiet {
                options.print(["listen": address]) { _ in "Listening on \(address). Ctrl-C ends it." }
            }
            await ProcessSignal.terminated()
        }
        do {
            try await service.shutdown()
        } catch {
            throw NodeError(.inputOutput, "The state was not saved: \(error).", remedy: "Check the disk and the path.")
        }
        await socket.close()
    }

    private func bind(_ endpoint: Endpoint) async throws -> UDPSocket {
        do {
            return try await UDPSocket.bind(to: endpoint, on: MultiThreadedEventLoopGroup.singleton.any())
        } catch {
            throw PortFailure.error(endpoint, error)
        }
    }

    private func join(_ service: DHTService, family: AddressFamily) async {
        let entrances = await DHTService.resolve(bootstrap, families: [family])
        service.join(through: entrances)
        guard mainline else { return }
        let routers = await DHTService.resolve(DHTSpecification.mainlineRouters, families: [family])
        service.join(through: routers, areRouters: true)
    }
}
