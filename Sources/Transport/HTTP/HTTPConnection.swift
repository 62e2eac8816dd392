// SPDX-License-Identifier: Apache-2.0
public import NIOCore
public import NIOHTTP1
public import Wire

/// Hears what a connection brings. Called on its event loop.
public protocol HTTPConnectionUser: AnyObject {
    /// An answer begins; answers come in the order of the requests.
    func began(_ head: HTTPHead, from connection: HTTPConnection)
    func received(_ body: ByteBuffer, from connection: HTTPConnection)
    /// The answer is whole.
    func ended(_ connection: HTTPConnection)
    /// The connection is gone; nothing follows. Requests that are open have no answer.
    func closed(_ connection: HTTPConnection, _ error: HTTPError)
}

/// One connection to an HTTP server at an address that has been judged. Confined to its event loop.
///
/// Requests may be sent before the answers to earlier ones have come. A server that takes too long for too little
/// (``HTTPConfiguration/patience``) is given up. Nothing is buffered but what NIO reads at once (64 KiB).
public final class HTTPConnection: ChannelInboundHandler {
    /// For NIO.
    public typealias InboundIn = HTTPClientResponsePart
    /// For NIO.
    public typealias OutboundOut = HTTPClientRequestPart

    /// Requests that may be without an answer at once.
    public static let maximumOpen = 8

    /// Where it leads to.
    public let remote: Endpoint
    /// The URL for which it was opened: others of the same origin may be asked over it.
    public let origin: ServiceURL
    public weak var user: (any HTTPConnectionUser)?
    /// Requests whose answers have not ended.
    public private(set) var openRequests = 0
    /// False from the moment at which a request can no longer be sent.
    public private(set) var isOpen = true

    private let configuration: HTTPConfiguration
    private var context: ChannelHandlerContext?
    private var timer: Scheduled<Void>?
    private var progress = 0
    private var isPaused = false
    private var endsAfterAnswer = false
    private var failure: HTTPError?
    private var hasEnded = false

    init(remote: Endpoint, origin: ServiceURL, configuration: HTTPConfiguration) {
        self.remote = remote
        self.origin = origin
        self.configuration = configuration
    }

    // MARK: Asking

    /// Sends a GET. `range`: the bytes wanted (RFC 9110 §14.2); `isLast`: the connection ends with the answer.
    /// - Precondition: the connection is open, and `url` has the origin of the connection.
    public func get(_ url: ServiceURL, range: Range<Int64>? = nil, isLast: Bool = false) {
        precondition(url.hasSameOrigin(as: origin), "a connection serves one origin")
        guard isOpen, let context, openRequests < Self.maximumOpen else { return }
        var headers = HTTPHeaders([
            ("host", url.authority), ("user-agent", configuration.userAgent), ("accept", "*/*"),
            ("accept-encoding", "identity"),
        ])
        if let range { headers.add(name: "range", value: "bytes=\(range.lowerBound)-\(range.upperBound - 1)") }
        if isLast {
            headers.add(name: "connection", value: "close")
            isOpen = false
        }
        openRequests += 1
        if openRequests == 1 { watch() }
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: url.target, headers: headers)
        context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
    }

    /// Whether more is taken off the network; what is on its way still comes.
    public func setReading(_ isReading: Bool) {
        guard isPaused == isReading, let context else { return }
        isPaused = !isReading
        context.channel.setOption(.autoRead, value: isReading).assumeIsolated().whenComplete { _ in }
        if isReading { watch() } else { timer?.cancel() }
    }

    /// The user hears nothing more.
    public func close() {
        user = nil
        end(.closed)
    }

    // MARK: The channel

    /// For NIO.
    public func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    /// For NIO: the user hears of the end, if it has not.
    public func handlerRemoved(context: ChannelHandlerContext) {
        end(failure ?? .closed)
        self.context = nil
    }

    /// For NIO: hands head and body to the user.
    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasEnded else { return }
        switch Self.unwrapInboundIn(data) {
        case .head(let head): began(head)
        case .body(let bytes):
            progress += bytes.readableBytes
            user?.received(bytes, from: self)
        case .end: ended()
        }
    }

    private func began(_ head: HTTPResponseHead) {
        guard openRequests > 0 else { return end(.malformed) }
        let size = head.headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
        guard size <= configuration.maximumHeadBytes else { return end(.tooLarge) }
        progress += configuration.leastBytes
        endsAfterAnswer = !head.isKeepAlive
        if endsAfterAnswer { isOpen = false }
        user?.began(HTTPHead(head), from: self)
    }

    private func ended() {
        openRequests = max(0, openRequests - 1)
        user?.ended(self)
        guard !hasEnded else { return }
        if endsAfterAnswer || (!isOpen && openRequests == 0) { return end(.closed) }
        if openRequests == 0 { timer?.cancel() }
    }

    /// For NIO: the server closed, or the line broke.
    public func channelInactive(context: ChannelHandlerContext) {
        end(failure ?? .closed)
        context.fireChannelInactive()
    }

    /// For NIO: what went wrong becomes an ``HTTPError``.
    public func errorCaught(context: ChannelHandlerContext, error: any Error) {
        failure = HTTPDialer.error(for: error, default: .malformed)
        end(failure ?? .malformed)
    }

    private func end(_ error: HTTPError) {
        guard !hasEnded else { return }
        hasEnded = true
        isOpen = false
        timer?.cancel()
        context?.close(promise: nil)
        let listener = user
        user = nil
        listener?.closed(self, error)
    }

    // MARK: Patience

    private func watch() {
        timer?.cancel()
        guard let context, !hasEnded else { return }
        let before = progress
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: configuration.patience) { [weak self] in
            guard let self, self.openRequests > 0, !self.isPaused else { return }
            if self.progress - before < self.configuration.leastBytes { self.end(.timeout) } else { self.watch() }
        }
    }
}
