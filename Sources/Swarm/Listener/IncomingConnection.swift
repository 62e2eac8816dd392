// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
public import NIOCore
public import Wire

/// A connection that somebody made to us, as far as its first 48 bytes tell.
///
/// Nobody hears of what comes after ``received`` until a receiver or a handler has been given to the stream, which keeps it.
public struct IncomingConnection: Sendable {
    /// Of the swarm's event loop.
    public let stream: NIOLoopBound<any PeerByteStream>
    /// The one that ``stream`` is bound to.
    public let eventLoop: any EventLoop
    /// Where it comes from; over TCP nobody listens at that port.
    public let endpoint: Endpoint
    /// What the handshake's reserved bits say.
    public let capabilities: Handshake.Capabilities
    /// What stands where the infohash does: of a torrent, or the beginning of a site's id.
    public let hash: Digest160
    /// Everything that came, from the first byte of the handshake.
    public let received: ByteBuffer

    init(_ stream: any PeerByteStream, on loop: any EventLoop, _ greeting: Greeting, received: ByteBuffer) {
        self.stream = NIOLoopBound(stream, eventLoop: loop)
        eventLoop = loop
        endpoint = stream.endpoint
        capabilities = greeting.capabilities
        hash = greeting.hash
        self.received = received
    }

    /// What the first 48 bytes say.
    typealias Greeting = (capabilities: Handshake.Capabilities, hash: Digest160)

    /// The channel under a stream that is nothing but a TCP connection. On its event loop.
    public var channel: (any Channel)? { (stream.value as? TCPPeerStream)?.channel }

    /// Leaves a plain TCP connection to a handler of channels. On its event loop.
    ///
    /// - Throws: where the stream has ended, or is no plain TCP connection.
    public func handOver(to handler: any ChannelHandler) throws {
        guard let stream = stream.value as? TCPPeerStream else { throw ChannelError.operationUnsupported }
        try stream.handOver(to: handler)
    }

    /// From any thread.
    public func close() {
        guard !eventLoop.inEventLoop else { return stream.value.close() }
        eventLoop.execute { stream.value.close() }
    }
}

/// Takes connections that name a hash. Called on the swarm's event loop.
public typealias ConnectionAcceptor = @Sendable (IncomingConnection) -> Void
