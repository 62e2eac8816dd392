// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import Synchronization
internal import TestSupport
internal import Wire

@testable internal import Transport

/// A server on loopback that answers each request with bytes of the test's choosing.
final class RawServer: Sendable {
    /// What to write for a request (its first line); nil says nothing.
    typealias Answer = @Sendable (String) -> Reply?

    struct Reply: Sendable {
        var bytes: [UInt8]
        var closes = false

        init(_ bytes: [UInt8], closes: Bool = false) {
            self.bytes = bytes
            self.closes = closes
        }

        /// A whole answer with a body.
        static func ok(_ body: String, status: String = "200 OK", headers: String = "") -> Reply {
            Reply(Array("HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)".utf8))
        }

        static func redirect(_ location: String) -> Reply {
            ok("", status: "302 Found", headers: "Location: \(location)\r\n")
        }
    }

    let endpoint: Endpoint
    private let channel: any Channel
    private let seen: SeenRequests

    final class SeenRequests: Sendable {
        let heads = Mutex<[String]>([])
    }

    /// Whole heads of the requests that came.
    var requests: [String] { seen.heads.withLock { $0 } }

    private init(_ channel: any Channel, _ endpoint: Endpoint, _ seen: SeenRequests) {
        self.channel = channel
        self.endpoint = endpoint
        self.seen = seen
    }

    static func start(
        isEncrypted: Bool = false,
        at place: Endpoint = Endpoint(.v4(0x7F00_0001), port: 0),
        _ answer: @escaping Answer
    ) async throws -> RawServer {
        let seen = SeenRequests()
        let tls = isEncrypted ? try encryption() : nil
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    try channel.pipeline.syncOperations.addHandler(RawHandler(answer, seen))
                }
            }
            .bind(to: place.socketAddress()).get()
        let port = UInt16(channel.localAddress?.port ?? 0)
        return RawServer(channel, Endpoint(place.address, port: port), seen)
    }

    private static func encryption() throws -> NIOSSLContext {
        let certificate = try NIOSSLCertificate(bytes: Vectors.load("tls-web/server.pem"), format: .pem)
        let key = try NIOSSLPrivateKey(bytes: Vectors.load("tls-web/server.key"), format: .pem)
        return try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: [.certificate(certificate)],
                privateKey: .privateKey(key)
            )
        )
    }

    func stop() async { try? await channel.close().get() }

    func url(_ target: String, host: String = "127.0.0.1", scheme: String = "http") throws -> ServiceURL {
        guard let url = ServiceURL("\(scheme)://\(host):\(endpoint.port)\(target)") else { throw HTTPError.malformed }
        return url
    }
}

private final class RawHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let answer: RawServer.Answer
    private let seen: RawServer.SeenRequests
    private var text = ""

    init(_ answer: @escaping RawServer.Answer, _ seen: RawServer.SeenRequests) {
        self.answer = answer
        self.seen = seen
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        text += String(buffer: Self.unwrapInboundIn(data))
        while let end = text.range(ofSubstring: "\r\n\r\n") {
            let head = String(text[..<end.lowerBound])
            text = String(text[end.upperBound...])
            seen.heads.withLock { $0.append(head) }
            guard let reply = answer(head.split(separator: "\r\n").first.map(String.init) ?? "") else { continue }
            context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(bytes: reply.bytes)), promise: nil)
            if reply.closes { context.close(promise: nil) }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

extension String {
    fileprivate func range(ofSubstring text: String) -> Range<String.Index>? { self.firstRange(of: text) }
}

/// Names of the test's own.
struct TestResolver: HostResolver {
    var names: [String: [String]]

    func addresses(of host: String, on loop: any EventLoop) -> EventLoopFuture<[IPAddress]> {
        let texts = names[host] ?? [host]
        return loop.makeSucceededFuture(texts.compactMap { IPAddress($0) })
    }
}
