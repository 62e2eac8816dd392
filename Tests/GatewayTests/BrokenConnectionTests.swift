// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOPosix
import Node
import ServiceLifecycle
import Synchronization
import Testing

@testable import Gateway

@Suite struct BrokenConnectionTests {
    private static let heads = [
        "GET / HT", "GET / HTTP/1.1\r\nHost: H\r\n\r\n",
        "POST /.roost/open HTTP/1.1\r\nHost: H\r\nContent-Length: 10\r\n\r\nab",
        "POST /api/v1/publish HTTP/1.1\r\nHost: H\r\nAuthorization: Bearer T\r\nContent-Length: 99\r\n\r\n{",
        "POST /api/v1/open HTTP/1.1\r\nHost: H\r\nAuthorization: Bearer T\r\nContent-Length: 13\r\n\r\n{\"value\":\"x\"}",
        "POST /api/v1/publish HTTP/1.1\r\nHost: H\r\nAuthorization: Bearer T\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        "GET /api/v1/status HTTP/1.1\r\nHost: H\r\nAuthorization: Bearer T\r\n\r\nGET /api",
        "\u{16}\u{3}\u{1}\u{2}\0", "GET http://evil.example/ HTTP/1.1\r\nHost: H\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: H\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "CONNECT evil.example:443 HTTP/1.1\r\nHost: H\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: H\r\nContent-Length: -1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: H\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ]

    @Test("A connection that ends anywhere leaves the content server standing", arguments: heads)
    func content(head: String) async throws {
        let node = NodeDouble.with(["index.html": "x"])
        try await ContentHarness.run(node) { (gateway: ContentHarness) async throws in
            let text = head.replacing("Host: H", with: "Host: \(gateway.host())")
            for _ in 0..<4 { try await Self.sendAndLeave(text, port: gateway.port) }
            #expect(try await gateway.send("/").text == "x")
        }
    }

    @Test("A connection that ends anywhere leaves the control server standing", arguments: heads)
    func control(head: String) async throws {
        let node = ControlDouble()
        node.state.withLock { $0.hangs = true }
        try await ControlHarness.run(node) { (control: ControlHarness) async throws in
            let text = head.replacing("Host: H", with: "Host: \(control.name)").replacing(
                "Bearer T",
                with: "Bearer \(ControlHarness.token)"
            )
            for _ in 0..<4 { try await Self.sendAndLeave(text, port: control.port) }
            #expect(try await control.send("/api/v1/status").status == 200)
        }
    }

    @Test(
        "RFC 9112 §9.3: the connection ends after the answer where the client said so, in whatever spelling, and for HTTP/1.0",
        arguments: [
            "GET / HTTP/1.0\r\nHost: H\r\n\r\n", "GET / HTTP/1.1\r\nHost: H\r\nConnection: Close\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: H\r\nConnection: TE, close\r\n\r\n",
        ]
    )
    func lastRequest(head: String) async throws {
        try await ContentHarness.run(.with(["index.html": "x"])) { (gateway: ContentHarness) async throws in
            let text = head.replacing("Host: H", with: "Host: \(gateway.host())")
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: gateway.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
            // Ends only when the server closes.
            let answer = try await channel.executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(string: text))
                var answer = ""
                for try await part in inbound { answer += String(buffer: part) }
                return answer
            }
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.hasSuffix("\r\n\r\nx"))
        }
    }

    @Test("A server that ends while connections come ends nobody else", arguments: [true, false])
    func endingServer(isAsked: Bool) async throws {
        for _ in 0..<16 {
            var configuration = GatewayConfiguration()
            configuration.content.port = 0
            configuration.drain = .zero
            let server = ContentServer(configuration, reader: NodeDouble(), logger: ContentHarness.quiet)
            let services = ServiceGroup(configuration: .init(services: [server], logger: ContentHarness.quiet))
            let run = Task { try? await services.run() }
            let port = try await server.port.value()
            let client = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            let connections = (0..<64).map { _ in client.connect(host: "127.0.0.1", port: port) }
            // Some are accepted and not taken up yet.
            try await connections[0].get().close()
            if isAsked { await services.triggerGracefulShutdown() } else { run.cancel() }
            await run.value
            // What the kernel had and the server had not accepted may stand here without its other end.
            for connection in connections.dropFirst() { try? await connection.get().close() }
        }
    }

    private static func sendAndLeave(_ text: String, port: Int) async throws {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port).get()
        try await channel.writeAndFlush(ByteBuffer(string: text))
        try? await channel.close()
    }
}
