// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Node
internal import Wire

/// One HTTP/1.1 request to a server on this machine, on a connection of its own.
///
/// Cancelling the task closes the connection.
struct HTTPExchange: Sendable {
    var endpoint: Endpoint
    var head: HTTPRequestHead
    var body: Data?

    /// `host` goes into the header of that name; the endpoint itself unless given. `type` is the body's.
    init(
        _ method: HTTPMethod,
        _ uri: String,
        at endpoint: Endpoint,
        host: String? = nil,
        body: Data? = nil,
        type: String = "application/json"
    ) {
        self.endpoint = endpoint
        self.body = body
        head = HTTPRequestHead(version: .http1_1, method: method, uri: uri)
        head.headers.add(name: "Host", value: host ?? endpoint.description)
        head.headers.add(name: "Connection", value: "close")
        if let body {
            head.headers.add(name: "Content-Type", value: type)
            head.headers.add(name: "Content-Length", value: String(body.count))
        }
    }

    /// Sends the request and hands each part of the answer's body to `receive`, with the answer's head.
    ///
    /// Throws `.unavailable` where nothing answers or the connection breaks.
    func run(receive: (HTTPResponseHead, [UInt8]) throws(NodeError) -> Void) async throws(NodeError) {
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.seconds(5))
                .connect(host: endpoint.address.description, port: Int(endpoint.port)) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(
                            wrappingChannelSynchronously: channel
                        )
                    }
                }
            try await channel.executeThenClose { inbound, outbound in
                do {
                    // In one write: a server may answer and close before the last part, which says nothing, is sent.
                    try await outbound.write(contentsOf: parts)
                } catch {
                    // It did not want the rest. Its answer tells why, where it sent one.
                }
                var answer = HTTPResponseHead(version: .http1_1, status: .ok)
                for try await part in inbound {
                    switch part {
                    case .head(let head): answer = head
                    case .body(let buffer): try receive(answer, Array(buffer.readableBytesView))
                    case .end: return try receive(answer, [])
                    }
                }
                throw Self.broken
            }
        } catch let error as NodeError {
            throw error
        } catch {
            throw Self.broken
        }
    }

    private var parts: [HTTPClientRequestPart] {
        [.head(head)] + (body.map { [.body(.byteBuffer(ByteBuffer(bytes: $0)))] } ?? []) + [.end(nil)]
    }

    /// The whole answer; throws `.internal` where it is longer than `limit` bytes.
    func collect(limit: Int) async throws(NodeError) -> (head: HTTPResponseHead, body: [UInt8]) {
        var all: [UInt8] = []
        var last = HTTPResponseHead(version: .http1_1, status: .ok)
        try await run { (head, part) throws(NodeError) in
            guard all.count + part.count <= limit else {
                throw NodeError(.internal, "an answer is longer than \(limit) bytes", remedy: "Report this.")
            }
            last = head
            all += part
        }
        return (last, all)
    }

    private static let broken = NodeError(
        .unavailable,
        "the node does not answer",
        remedy: "See its log in the home, or start it again with `roost start`."
    )
}
