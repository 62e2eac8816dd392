// SPDX-License-Identifier: Apache-2.0
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing
import Wire

@testable import RoostCLI

@Suite struct HTTPExchangeTests {
    @Test(
        "A server that answers and hangs up before it has read the request has answered",
        arguments: [0, 1, 8 << 20]
    )
    func earlyAnswer(bodyBytes: Int) async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(HastyServer())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        let endpoint = try #require(Endpoint("127.0.0.1:\(port)"))
        for _ in 0..<20 {
            let exchange = HTTPExchange(.POST, "/", at: endpoint, body: Data(count: bodyBytes))
            let (head, body) = try await exchange.collect(limit: 1000)
            #expect(head.status == .forbidden)
            #expect(body == Array("no".utf8))
        }
        try await server.close()
    }
}

/// Answers the first bytes of a request and says that nothing else will come; reads no further.
private final class HastyServer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var hasAnswered = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasAnswered else { return }
        hasAnswered = true
        let answer = ByteBuffer(string: "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
        context.close(mode: .output, promise: nil)
    }
}
