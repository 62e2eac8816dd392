// SPDX-License-Identifier: Apache-2.0
import Keys
import Logging
import NIOHTTP1
import Node
import ServiceLifecycle
import Testing
import Wire

@testable import Gateway

/// A content server on a free port over a ``NodeDouble``, and a client that speaks as a browser or as a program.
struct ContentHarness: Sendable {
    typealias Answer = GatewayClient.Answer

    static let site = Hash.sha256(Array("a site".utf8))
    static let other = Hash.sha256(Array("another site".utf8))

    /// What browsers send for each kind of request.
    static let typed = ["Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"]
    static let link = ["Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"]
    static let ownPart = ["Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"]
    static let foreignPart = ["Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"]

    let port: Int
    var client: GatewayClient

    func host(_ site: Digest256 = Self.site, sequence: UInt64? = nil, network: String? = nil) -> String {
        ContentHost(site: site, sequence: sequence, network: network).name + ":\(port)"
    }

    func send(
        _ target: String,
        host: String? = nil,
        method: HTTPMethod = .GET,
        _ headers: [String: String] = [:],
        body: String? = nil
    ) async throws -> Answer {
        let answer = try await client.execute(
            .init(method: method, target: target, host: host ?? self.host(), headers: headers, body: body)
        )
        expectPolicy(answer)
        return answer
    }

    /// These stand on every response, whatever it says.
    private func expectPolicy(_ answer: Answer) {
        #expect(
            answer["Content-Security-Policy"]
                == "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; connect-src 'self'; form-action 'self'; frame-ancestors 'self'"
        )
        #expect(answer["Cross-Origin-Opener-Policy"] == "same-origin")
        #expect(answer["Referrer-Policy"] == "same-origin")
        #expect(answer["X-Content-Type-Options"] == "nosniff")
    }

    /// A fresh connection: for requests after which the server closes.
    func fresh<Value: Sendable>(
        _ body: @Sendable @escaping (ContentHarness) async throws -> Value
    ) async throws -> Value {
        try await GatewayClient.with(port: port) { client in
            try await body(ContentHarness(port: port, client: client))
        }
    }

    static func run(
        _ node: NodeDouble,
        configure: (inout GatewayConfiguration) -> Void = { _ in },
        _ body: @Sendable @escaping (ContentHarness) async throws -> Void
    ) async throws {
        var configuration = GatewayConfiguration()
        configuration.content.port = 0
        configuration.drain = .milliseconds(100)
        configure(&configuration)
        let server = ContentServer(configuration, reader: node, logger: quiet)
        try await withThrowingTaskGroup(of: Void.self) { group in
            let services = ServiceGroup(configuration: .init(services: [server], logger: quiet))
            group.addTask { try await services.run() }
            let port = try await server.port.value()
            try await GatewayClient.with(port: port) { client in
                try await body(ContentHarness(port: port, client: client))
            }
            await services.triggerGracefulShutdown()
        }
    }

    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

extension NodeDouble {
    /// One known site with these files.
    static func with(_ files: [String: String]...) -> NodeDouble {
        var state = State()
        state.known = [ContentHarness.site]
        state.releases[ContentHarness.site] = files.enumerated().map { index, files in
            Release(label: "1.\(index)", files: files.mapValues { Array($0.utf8) })
        }
        return NodeDouble(state)
    }
}
