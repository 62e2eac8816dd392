// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Foundation
internal import Logging
internal import NIOHTTP1
internal import Node
internal import Storage
internal import Wire

/// One of the three peers of the demo: a node with a home that is thrown away, on loopback ports of its own.
final class DemoPeer: Sendable {
    let name: String
    let running: RunningNode
    let address: NodeAddress
    private let work: Task<Void, any Error>

    /// `entrance` is a peer whose DHT this one joins.
    init(name: String, home: URL, entrance: DemoPeer?) async throws {
        var configuration = NodeConfiguration()
        configuration.listen = Endpoint(.v4(0x7F00_0001), port: 0)
        configuration.gateway = Endpoint(.v4(0x7F00_0001), port: 0)
        configuration.control = Endpoint(.v4(0x7F00_0001), port: 0)
        configuration.network = "none"
        configuration.serve = .quota
        if let entrance { configuration.bootstrap = [entrance.running.node.listen.description] }
        var logger = Logger(label: "roost.demo") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        let running = try await RunningNode(
            NodeOptions(
                home: Home(path: home.path),
                configuration: configuration,
                version: Version.number,
                logger: logger
            )
        )
        self.name = name
        self.running = running
        // The command's own task: it ends with ``stop()``, which the demo calls for each of its peers.
        work = Task { try await running.run() }
        address = try await running.ready()
    }

    var node: Node { running.node }

    func stop() async {
        await running.stop()
        // How it ended is told where it matters; here it only has to have ended.
        _ = await work.result
    }

    /// Reads `path` of a site as a browser would, through this peer's gateway.
    func read(
        _ path: String,
        of site: Digest256,
        headers: [(String, String)] = []
    ) async throws(NodeError) -> (head: HTTPResponseHead, body: [UInt8]) {
        var exchange = HTTPExchange(
            .GET,
            path,
            at: address.gateway,
            host: "\(Base32.encode(site.bytes)).localhost:\(address.gateway.port)"
        )
        for (name, value) in headers { exchange.head.headers.add(name: name, value: value) }
        return try await exchange.collect(limit: 64 << 20)
    }
}
