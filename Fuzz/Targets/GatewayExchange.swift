// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import NIOCore
internal import NIOEmbedded
internal import NIOHTTP1
internal import NIOHTTPTypes
internal import NIOHTTPTypesHTTP1
internal import Synchronization

@testable internal import Gateway

/// One connection to a server of the gateway: bytes become requests, and answers bytes, through the handlers that the server has.
struct GatewayExchange<Responder: HTTPResponder> where Responder.Context == ConnectionContext {
    /// A whole request and what was sent for it.
    struct Exchange {
        let request: HTTPRequest
        let body: [UInt8]
        let status: Int
        let answer: GatewayAnswer
    }

    let responder: Responder
    let policy: @Sendable (inout HTTPFields) -> Void
    let isLoopback: Bool

    /// A browser sends more, a fuzzer needs no more.
    private static var mostRequests: Int { 3 }

    /// Answers the requests of a stream in turn; `judge` hears of each before the next.
    /// `complete` puts into a body what nobody can guess.
    func run(
        _ stream: [UInt8],
        portion: Int,
        complete: (inout [UInt8]) -> Void = { _ in },
        judge: (Exchange) throws -> Void
    ) throws {
        let channel = try self.channel()
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        let requests = requests(in: stream, portion: portion, on: channel)
        let other = try self.channel()
        defer { _ = try? other.finish(acceptAlreadyClosed: true) }
        let whole = self.requests(in: stream, portion: max(1, stream.count), on: other)
        try hold(
            requests.map(\.head) == whole.map(\.head) && requests.map(\.body) == whole.map(\.body),
            "requests do not depend on how the bytes come"
        )
        for (head, came) in requests.prefix(Self.mostRequests) {
            var body = came
            complete(&body)
            guard let response = answered(head, body, on: channel) else {
                throw Broken(description: "every request is answered")
            }
            let sent = try sent(response, on: channel)
            try judge(
                Exchange(
                    request: head,
                    body: body,
                    status: response.head.status.code,
                    answer: try GatewayAnswer(sent)
                )
            )
        }
    }

    private func channel() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        channel.remoteAddress = try SocketAddress(ipAddress: isLoopback ? "127.0.0.1" : "192.0.2.1", port: 5)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: false, withErrorHandling: false)
        try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
        try pipeline.addHandlers([
            PolicyHandler(apply: policy), ClientWatch(ConnectionCount()), LastRequest.Placement(),
        ])
        return channel
    }

    /// Those that came whole.
    private func requests(
        in stream: [UInt8],
        portion: Int,
        on channel: EmbeddedChannel
    ) -> [(head: HTTPRequest, body: [UInt8])] {
        for start in stride(from: 0, to: stream.count, by: portion) {
            let part = stream[start..<min(start + portion, stream.count)]
            guard (try? channel.writeInbound(ByteBuffer(bytes: part))) != nil else { break }
        }
        var requests: [(head: HTTPRequest, body: [UInt8])] = []
        var current: (head: HTTPRequest, body: [UInt8])?
        while let part = try? channel.readInbound(as: HTTPRequestPart.self) {
            switch part {
            case .head(let head): current = (head, [])
            case .body(let bytes): current?.body += Array(bytes.readableBytesView)
            case .end:
                if let current { requests.append(current) }
                current = nil
            }
        }
        return requests
    }

    private func answered(_ head: HTTPRequest, _ body: [UInt8], on channel: EmbeddedChannel) -> Answered? {
        let request = Request(head: head, body: RequestBody(buffer: ByteBuffer(bytes: body)))
        let source = ApplicationRequestContextSource(channel: channel, logger: Logger(label: "fuzz"))
        let (responder, context) = (responder, ConnectionContext(source: source))
        let box = AnsweredBox()
        CallingThread.run {
            guard let response = try? await responder.respond(to: request, context: context) else { return }
            box.state.withLock { $0 = Answered(head: response.head) }
            // A body that ends early ends the connection.
            try? await response.body.write(BodyCollector(box: box))
        }
        return box.state.withLock { $0 }
    }

    private func sent(_ response: Answered, on channel: EmbeddedChannel) throws -> [UInt8] {
        channel.write(HTTPResponsePart.head(response.head), promise: nil)
        channel.write(HTTPResponsePart.body(ByteBuffer(bytes: response.body)), promise: nil)
        channel.writeAndFlush(HTTPResponsePart.end(nil), promise: nil)
        var sent: [UInt8] = []
        while let bytes = try? channel.readOutbound(as: ByteBuffer.self) { sent += Array(bytes.readableBytesView) }
        return sent
    }
}

/// What a responder gave: its body may have come in parts.
private struct Answered {
    var head: HTTPResponse
    var body: [UInt8] = []
}

private final class AnsweredBox: Sendable {
    let state = Mutex<Answered?>(nil)
}

private struct BodyCollector: ResponseBodyWriter {
    let box: AnsweredBox

    mutating func write(_ buffer: ByteBuffer) async throws {
        box.state.withLock { $0?.body += Array(buffer.readableBytesView) }
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
