// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import Transport
internal import Wire

/// A peer's TCP connection: the one handler of its channel, which hands buffers on as they were read.
final class TCPPeerStream: ChannelInboundHandler, RemovableChannelHandler, PeerByteStream {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let endpoint: Endpoint
    var transport: PeerTransport { .tcp }
    var isObfuscated: Bool { false }
    weak var receiver: (any PeerStreamReceiver)? {
        didSet { if receiver != nil { deliverKept() } }
    }

    /// It is open on both sides, as far as is known.
    var isUsable: Bool { !isClosed && !hasEnded }

    private(set) var channel: (any Channel)?
    private var context: ChannelHandlerContext?
    /// What came while there was no receiver.
    private var kept = ByteBuffer()
    private var isReading = true
    private var hasEnded = false
    private var isClosed = false
    private var isDetached = false

    init(endpoint: Endpoint) {
        self.endpoint = endpoint
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        channel = context.channel
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        channel = nil
        if !isDetached { end() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isDetached { return context.fireChannelRead(data) }
        guard !isClosed else { return }
        guard let receiver else { return keep(Self.unwrapInboundIn(data)) }
        receiver.received(Self.unwrapInboundIn(data))
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isDetached { end() }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if isDetached { return context.fireErrorCaught(error) }
        context.close(promise: nil)
    }

    private func end() {
        guard !hasEnded else { return }
        hasEnded = true
        if !isClosed { receiver?.ended() }
    }

    // MARK: Without a receiver

    private func keep(_ bytes: ByteBuffer) {
        var bytes = bytes
        kept.writeBuffer(&bytes)
        if kept.readableBytes >= PeerStreamBounds.unheardBytes { setReading(false) }
    }

    private func deliverKept() {
        guard !isClosed else { return }
        if kept.readableBytes > 0 {
            let bytes = kept
            kept = ByteBuffer()
            receiver?.received(bytes)
        }
        setReading(true)
        if hasEnded { receiver?.ended() }
    }

    private func setReading(_ reads: Bool) {
        guard isReading != reads, let context else { return }
        isReading = reads
        try? context.channel.syncOptions?.setOption(.autoRead, value: reads)
    }

    // MARK: Sending

    func write(_ bytes: ByteBuffer) {
        guard let context, !isClosed else { return }
        let count = bytes.readableBytes
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { [weak self] _ in
            guard let self, !self.isClosed else { return }
            self.receiver?.wrote(count, bytes)
        }
        context.write(Self.wrapOutboundOut(bytes), promise: promise)
    }

    func flush() { context?.flush() }

    func close() {
        isClosed = true
        kept = ByteBuffer()
        context?.close(promise: nil)
    }

    // MARK: Handing over

    /// Leaves the channel to `handler`, which gets what was kept and all that follows.
    func handOver(to handler: any ChannelHandler) throws {
        guard let context, !isClosed, !hasEnded else { throw ChannelError.alreadyClosed }
        try context.pipeline.syncOperations.addHandler(handler)
        isDetached = true
        if kept.readableBytes > 0 { context.fireChannelRead(Self.wrapInboundOut(kept)) }
        kept = ByteBuffer()
        setReading(true)
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
