// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import NIOCore
internal import Synchronization
internal import Transport
public import Wire

/// The one TCP port on which all torrents and sites of a program are reached: the hash in a connection's handshake says
/// whose it is.
///
/// A connection that names nothing registered, or takes more than ten seconds to say what it wants, is closed. Memory: 48
/// bytes for each connection that has not said it; see ``WaitingRoom`` for how many there may be.
public final class SwarmListener: Sendable {
    static let patience = TimeAmount.seconds(10)

    private let acceptors = Mutex<[Digest160: ConnectionAcceptor]>([:])
    private let channel = Mutex<(any Channel)?>(nil)
    private let waiting: Mutex<WaitingRoom>
    private let sockets: TCPSockets

    init(sockets: TCPSockets, room: WaitingRoom = WaitingRoom()) {
        self.sockets = sockets
        waiting = Mutex(room)
    }

    /// Connections that name `hash` go to `acceptor` from now on, in place of any other.
    public func register(_ hash: Digest160, acceptor: @escaping ConnectionAcceptor) {
        acceptors.withLock { $0[hash] = acceptor }
    }

    public func unregister(_ hash: Digest160) {
        acceptors.withLock { $0[hash] = nil }
    }

    /// Starts to listen.
    ///
    /// - Returns: where, with the port that was chosen.
    func listen(on endpoint: Endpoint) async throws -> Endpoint {
        let bound = try await sockets.listen(on: endpoint) { channel in
            guard let address = channel.remoteAddress.flatMap({ Endpoint($0) })?.address else {
                channel.close(promise: nil)
                return
            }
            let (number, displaced) = self.waiting.withLock { $0.enter(channel, from: address) }
            displaced?.close(promise: nil)
            try channel.pipeline.syncOperations.addHandler(HandshakeDispatcher(listener: self, number: number))
        }.get()
        channel.withLock { $0 = bound }
        return bound.localAddress.flatMap { Endpoint($0) } ?? endpoint
    }

    func close() async {
        let channel = channel.withLock { channel in
            let open = channel
            channel = nil
            return open
        }
        try? await channel?.close().get()
    }

    fileprivate func ended(_ number: UInt64) { waiting.withLock { $0.leave(number) } }

    fileprivate func acceptor(of hash: Digest160) -> ConnectionAcceptor? { acceptors.withLock { $0[hash] } }
}

/// Collects the first 48 bytes of a connection and hands it over.
private final class HandshakeDispatcher: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let listener: SwarmListener
    /// Its place in the waiting room.
    private let number: UInt64
    private var received = ByteBuffer()
    private var timeout: Scheduled<Void>?
    private var isDone = false

    init(listener: SwarmListener, number: UInt64) {
        self.listener = listener
        self.number = number
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        timeout = context.eventLoop.scheduleTask(in: SwarmListener.patience) { channel.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { finish() }

    func channelInactive(context: ChannelHandlerContext) {
        finish()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = Self.unwrapInboundIn(data)
        if isDone {
            // Removal is under way: the new handler stands behind this one.
            context.fireChannelRead(data)
            return
        }
        received.writeBuffer(&bytes)
        dispatch(context)
    }

    private func dispatch(_ context: ChannelHandlerContext) {
        let prefix = received.getBytes(at: received.readerIndex, length: min(received.readableBytes, 48)) ?? []
        do throws(PeerWireError) {
            guard let (capabilities, hash) = try Handshake.parsePrefix(prefix[...]) else { return }
            guard let acceptor = listener.acceptor(of: hash),
                let endpoint = context.remoteAddress.flatMap({ Endpoint($0) })
            else { return context.close(promise: nil) }
            finish()
            let connection = IncomingConnection(
                channel: context.channel,
                endpoint: endpoint,
                capabilities: capabilities,
                hash: hash,
                received: received
            )
            received = ByteBuffer()
            acceptor(connection)
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        } catch {
            context.close(promise: nil)
        }
    }

    private func finish() {
        guard !isDone else { return }
        isDone = true
        timeout?.cancel()
        listener.ended(number)
    }
}
