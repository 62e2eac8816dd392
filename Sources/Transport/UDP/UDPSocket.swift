// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
public import NIOCore
internal import NIOPosix
public import Wire

/// Why a socket could not be had.
public enum UDPSocketError: Error, Equatable {
    /// The system's `errno` and the address asked for.
    case cannotBind(Endpoint, errno: Int32)
}

/// One UDP port of one family, shared by DHT and uTP.
///
/// Received through NIO, many datagrams a system call. Sent by `sendto` itself: NIO closes a channel whose write fails
/// with anything but two error codes, and an address that a stranger told us may well be a broadcast address or one
/// without a route. A datagram that cannot be sent is lost, as datagrams may be.
public final class UDPSocket: Sendable {
    /// Datagrams taken by one system call, each into its slice of a buffer of that many times 2 KiB.
    private static let datagramsPerRead = 32

    public let eventLoop: any EventLoop
    /// Where it is bound to, with the port that the system chose for port 0.
    public let localEndpoint: Endpoint
    private let channel: any Channel
    private let descriptor: Int32
    private let multiplexer: NIOLoopBound<DatagramMultiplexer>

    private init(
        _ channel: any Channel,
        _ endpoint: Endpoint,
        _ descriptor: Int32,
        _ multiplexer: NIOLoopBound<DatagramMultiplexer>
    ) {
        self.channel = channel
        self.descriptor = descriptor
        self.multiplexer = multiplexer
        eventLoop = channel.eventLoop
        localEndpoint = endpoint
    }

    /// Binds. Port 0 takes a free one.
    /// - Throws: ``UDPSocketError``, or NIO's error where the descriptor cannot be watched.
    public static func bind(to endpoint: Endpoint, on eventLoop: any EventLoop) async throws -> UDPSocket {
        let address = endpoint.address.bytes
        let descriptor = unsafe roost_udp_bind(address, address.count, endpoint.port)
        guard descriptor >= 0 else { throw UDPSocketError.cannotBind(endpoint, errno: errno) }
        let bound = try await DatagramBootstrap(group: eventLoop)
            .channelOption(.datagramVectorReadMessageCount, value: datagramsPerRead)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: datagramsPerRead * 2048))
            .channelOption(.autoRead, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DatagramMultiplexer())
                }
            }
            .withBoundSocket(descriptor)
            .get()
        let multiplexer = try await eventLoop.submit {
            NIOLoopBound(
                try bound.pipeline.syncOperations.handler(type: DatagramMultiplexer.self),
                eventLoop: eventLoop
            )
        }.get()
        let local = bound.localAddress.flatMap { Endpoint($0) } ?? endpoint
        return UDPSocket(bound, local, descriptor, multiplexer)
    }

    /// Who takes what arrives. To be called on the event loop.
    public func register(_ receiver: (any DatagramReceiver)?, for kind: DatagramProtocol) {
        multiplexer.value.register(receiver, for: kind)
    }

    /// Sends at once, or not at all. To be called on the event loop.
    /// - Returns: false where the system refused; for sockets of another family than the endpoint's always.
    @discardableResult
    public func send(_ bytes: [UInt8], to endpoint: Endpoint) -> Bool {
        eventLoop.preconditionInEventLoop()
        // The descriptor's number is only ours while the channel is open.
        guard channel.isActive, endpoint.address.isV4 == localEndpoint.address.isV4 else { return false }
        let address = endpoint.address.bytes
        return unsafe roost_udp_send(descriptor, address, address.count, endpoint.port, bytes, bytes.count) >= 0
    }

    /// False once it was closed, by us or by the system.
    public var isOpen: Bool { channel.isActive }

    public func close() async { try? await channel.close().get() }
}
