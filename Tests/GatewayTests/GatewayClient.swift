// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOHTTP1
import NIOPosix

/// One connection to a server on this machine. Requests go out at once, and are answered in their order.
struct GatewayClient: Sendable {
    struct Request: Sendable {
        var method: HTTPMethod
        var target: String
        var host: String
        var headers: [String: String] = [:]
        var body: String?
    }

    struct Answer: Sendable {
        var status: Int
        var headers: HTTPHeaders
        var body: [UInt8] = []
        var text: String { String(decoding: body, as: UTF8.self) }

        /// All fields of this name, as one of them would say it.
        subscript(_ name: String) -> String? {
            let values = headers[name]
            return values.isEmpty ? nil : values.joined(separator: ", ")
        }
    }

    struct ConnectionEnded: Error {}

    let channel: any Channel

    /// Connects, and closes when `body` has returned or thrown.
    static func with<Value: Sendable>(
        port: Int,
        _ body: (GatewayClient) async throws -> Value
    ) async throws -> Value {
        let client = GatewayClient(
            channel: try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        try channel.pipeline.syncOperations.addHandler(Answers())
                    }
                }
                .connect(host: "127.0.0.1", port: port).get()
        )
        do {
            let value = try await body(client)
            try? await client.channel.close()
            return value
        } catch {
            try? await client.channel.close()
            throw error
        }
    }

    /// The answer to one request; throws where the connection ends before it, as it does after two minutes.
    func execute(_ request: Request) async throws -> Answer { try await start(request).get() }

    /// Sends a request. What comes of it need not be waited for.
    @discardableResult
    func start(_ request: Request) -> EventLoopFuture<Answer> {
        let answer = channel.eventLoop.makePromise(of: Answer.self)
        channel.writeAndFlush(Answers.Asked(request: request, answer: answer)).cascadeFailure(to: answer)
        // A server that never answers fails the test.
        let patience = channel.eventLoop.scheduleTask(in: .seconds(120)) { [channel] in channel.close(promise: nil) }
        answer.futureResult.whenComplete { _ in patience.cancel() }
        return answer.futureResult
    }
}

/// Writes requests, and puts answers together.
private final class Answers: ChannelDuplexHandler {
    struct Asked: Sendable {
        var request: GatewayClient.Request
        var answer: EventLoopPromise<GatewayClient.Answer>
    }

    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = Asked
    typealias OutboundOut = HTTPClientRequestPart

    private var waiting = CircularBuffer<EventLoopPromise<GatewayClient.Answer>>()
    private var answer: GatewayClient.Answer?

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let asked = unwrapOutboundIn(data)
        waiting.append(asked.answer)
        let request = asked.request
        var head = HTTPRequestHead(version: .http1_1, method: request.method, uri: request.target)
        head.headers.add(name: "Host", value: request.host)
        for (name, value) in request.headers { head.headers.add(name: name, value: value) }
        if let body = request.body { head.headers.add(name: "Content-Length", value: String(body.utf8.count)) }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if let body = request.body {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
        }
        context.write(wrapOutboundOut(.end(nil)), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): answer = .init(status: Int(head.status.code), headers: head.headers)
        case .body(let bytes): answer?.body += bytes.readableBytesView
        case .end:
            if let answer { waiting.popFirst()?.succeed(answer) }
            answer = nil
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { fail(with: error) }

    func channelInactive(context: ChannelHandlerContext) {
        fail(with: GatewayClient.ConnectionEnded())
        context.fireChannelInactive()
    }

    private func fail(with error: any Error) {
        while let promise = waiting.popFirst() { promise.fail(error) }
    }
}
