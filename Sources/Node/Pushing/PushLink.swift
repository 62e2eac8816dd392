// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import NIOCore
internal import Synchronization
internal import Wire

/// A connection between publisher and keeper, as either of them sees it. Thread-safe.
///
/// Memory: at most ``waiting`` messages that nobody has taken; a peer that sends more is left.
final class PushLink: Sendable {
    enum Event: Equatable, Sendable {
        /// The peer speaks push, and says where it listens.
        case opened(listenPort: UInt16?)
        case message(PushMessage)
    }

    static let waiting = 64

    /// Where the peer's bytes come from.
    let remote: Endpoint
    /// Ends with the connection. For one reader.
    let events: AsyncStream<Event>
    private let sink: AsyncStream<Event>.Continuation
    private let loop: any EventLoop
    private let state = Mutex(State())

    private struct State {
        var handler: NIOLoopBound<PushHandler>?
        var isClosed = false
    }

    init(to remote: Endpoint, on loop: any EventLoop) {
        self.remote = remote
        self.loop = loop
        (events, sink) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.waiting))
    }

    /// Makes the handler of the channel. On its loop, once. `early`: what the listener has read already.
    func makeHandler(_ greeting: PushGreeting, early: ByteBuffer = ByteBuffer()) -> PushHandler {
        let handler = PushHandler(greeting, early: early) { [sink] event in
            guard let event else {
                sink.finish()
                return true
            }
            if case .enqueued = sink.yield(event) { return true }
            return false
        }
        let bound = NIOLoopBound(handler, eventLoop: loop)
        let isClosed = state.withLock { state in
            state.handler = bound
            return state.isClosed
        }
        // Given up while it was being made.
        if isClosed { loop.execute { bound.value.close() } }
        return handler
    }

    /// The connection ends when the peer says nothing for so long from now on; nil where it need not say anything.
    func allowSilence(of time: Duration?) { onHandler { $0.allowSilence(of: time) } }

    func send(_ message: PushMessage) { onHandler { $0.send(message) } }

    func close() {
        sink.finish()
        state.withLock { $0.isClosed = true }
        onHandler { $0.close() }
    }

    private func onHandler(_ body: @escaping @Sendable (PushHandler) -> Void) {
        guard let handler = state.withLock({ $0.handler }) else { return }
        loop.execute { body(handler.value) }
    }
}

/// How this node introduces itself on connections for push.
struct PushGreeting: Sendable {
    /// Of the keeper's place.
    var hash: Digest160
    var peerID: Digest160
    var client: String
    var listenPort: UInt16?

    init(_ sites: SiteService, place: Digest160) {
        hash = place
        peerID = sites.peerID
        client = sites.client
        listenPort = sites.listenPort
    }
}

/// The bytes of one connection for push. Lives on the channel's event loop.
///
/// Memory: one message of at most 128 KiB, and what of ours the peer has not read: less than 1 KiB every five seconds.
final class PushHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let greeting: PushGreeting
    private var wire: ExtensionWire
    private var early: ByteBuffer
    /// Answers false where there is no more room. Nil for the end.
    private let deliver: (PushLink.Event?) -> Bool
    private var context: ChannelHandlerContext?
    private var patience: Scheduled<Void>?
    private var hasBegun = false
    private var isClosed = false

    init(_ greeting: PushGreeting, early: ByteBuffer, deliver: @escaping (PushLink.Event?) -> Bool) {
        self.greeting = greeting
        self.early = early
        self.deliver = deliver
        wire = ExtensionWire(hash: greeting.hash, name: PushSpecification.extensionName, ownID: greeting.peerID)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { begin() }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin()
        context.fireChannelActive()
    }

    private func begin() {
        guard !hasBegun else { return }
        hasBegun = true
        allowSilence(of: PushSpecification.answerTime)
        write(wire.hello(client: greeting.client, listenPort: greeting.listenPort))
        take(early)
        early = ByteBuffer()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { take(Self.unwrapInboundIn(data)) }

    func channelInactive(context: ChannelHandlerContext) {
        close()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        close()
        self.context = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { close() }

    private func take(_ buffer: ByteBuffer) {
        guard !isClosed, buffer.readableBytes > 0 else { return }
        do {
            for event in try wire.receive(Array(buffer.readableBytesView)) where !isClosed {
                switch event {
                case .opened(let port, _): pass(.opened(listenPort: port))
                case .payload(let payload):
                    if let message = try PushMessage.parse(payload) { pass(.message(message)) }
                }
            }
        } catch {
            close()
        }
    }

    private func pass(_ event: PushLink.Event) {
        if !deliver(event) { close() }
    }

    func allowSilence(of time: Duration?) {
        patience?.cancel()
        patience = nil
        guard let context, let time, !isClosed else { return }
        patience = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time)) { self.close() }
    }

    func send(_ message: PushMessage) { write(wire.frame(message.encoded)) }

    private func write(_ bytes: [UInt8]) {
        guard let context, !isClosed, !bytes.isEmpty else { return }
        context.writeAndFlush(Self.wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: nil)
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        patience?.cancel()
        _ = deliver(nil)
        guard let context else { return }
        // What was written last is the answer.
        context.close(promise: nil)
    }
}
