// SPDX-License-Identifier: Apache-2.0
import NIOHTTP1
import Node
import ServiceLifecycle
import Testing

@testable import Gateway

/// A control server on a free port over a ``ControlDouble``.
struct ControlHarness: Sendable {
    typealias Answer = GatewayClient.Answer

    static let token = "0123456789abcdef"
    static let bearer = ["Authorization": "Bearer \(token)"]

    let port: Int
    let client: GatewayClient

    var name: String { "roost.localhost:\(port)" }
    var address: String { "127.0.0.1:\(port)" }
    var ownOrigin: String { "http://\(name)" }

    /// What the interface's own script sends.
    var script: [String: String] {
        ["Origin": ownOrigin, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"]
    }

    func send(_ target: String, host: String? = nil, _ headers: [String: String]) async throws -> Answer {
        try await send(target, .GET, host: host, headers)
    }

    /// One request on a connection of its own.
    func send(
        _ target: String,
        _ method: HTTPMethod = .GET,
        host: String? = nil,
        _ headers: [String: String] = ControlHarness.bearer,
        body: String? = nil
    ) async throws -> Answer {
        let answer = try await GatewayClient.with(port: port) { client in
            try await client.execute(
                .init(method: method, target: target, host: host ?? name, headers: headers, body: body)
            )
        }
        #expect(answer["Content-Security-Policy"]?.hasPrefix("default-src 'none'; script-src 'self'") == true)
        #expect(answer["Cache-Control"] == "no-store")
        #expect(answer["Access-Control-Allow-Origin"] == nil)
        return answer
    }

    static func run(
        _ node: ControlDouble,
        _ body: @Sendable @escaping (ControlHarness) async throws -> Void
    ) async throws {
        var configuration = GatewayConfiguration()
        configuration.control.port = 0
        configuration.drain = .milliseconds(100)
        let server = ControlServer(configuration, node: node, token: token, logger: ContentHarness.quiet)
        try await withThrowingTaskGroup(of: Void.self) { group in
            let services = ServiceGroup(configuration: .init(services: [server], logger: ContentHarness.quiet))
            group.addTask { try await services.run() }
            let port = try await server.port.value()
            try await GatewayClient.with(port: port) { client in
                try await body(ControlHarness(port: port, client: client))
            }
            await services.triggerGracefulShutdown()
        }
    }
}
