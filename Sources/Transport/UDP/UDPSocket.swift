// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Kademlia
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
/// The first datagram is received through NIO, and what has come with it by ``DatagramIntake``; long runs by NIO alone.
/// Sent by `sendto` itself: NIO closes a channel whose write fails with anything but two error codes, and an address that a
/// stranger told us may well be a broadcast address or one without a route. A datagram that cannot be sent is lost, as
/// datagrams may be.
public final class UDPSocket: Sendable {
    /// The longest datagram where no runs are expected.
    private static let longestDatagram = 2048
    /// Runs taken by one system call, into which the kernel joins datagrams where much is expected (udp(7) UDP_GRO): up to
    /// 64 KiB each.
    private static let runsPerRead = 4
    static let longestRun = 65_536

    /// Where datagrams are received; sending is possible from it only.
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
        // Where a path is narrower than we know, fragments arrive and refused datagrams do not.
        _ = roost_udp_forbid_fragments(descriptor, address.count, 0)
        let bound = try await DatagramBootstrap(group: eventLoop)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: longestDatagram))
            .channelOption(.autoRead, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let multiplexer = DatagramMultiplexer()
                    multiplexer.drained = descriptor
                    try channel.pipeline.syncOperations.addHandler(multiplexer)
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
    /// - Returns: 0, or the system's `errno`; for an endpoint of another family EAFNOSUPPORT.
    @discardableResult
    public func send(_ bytes: [UInt8], to endpoint: Endpoint) -> Int32 {
        eventLoop.preconditionInEventLoop()
        // The descriptor's number is only ours while the channel is open.
        guard channel.isActive else { return EBADF }
        guard endpoint.address.isV4 == localEndpoint.address.isV4 else { return EAFNOSUPPORT }
        let address = endpoint.address.bytes
        let sent = unsafe roost_udp_send(descriptor, address, address.count, endpoint.port, bytes, bytes.count)
        return sent < 0 ? errno : 0
    }

    /// Sends the parts as one datagram, or as many of `segmentSize` bytes; at once, or not at all. On the event loop.
    ///
    /// `address`: 4 or 16 bytes. `isWhole`: it must not be fragmented.
    /// - Returns: 0, or the system's `errno`.
    func send(
        _ parts: UnsafeBufferPointer<roost_udp_part>,
        segmentSize: Int,
        to address: [UInt8],
        port: UInt16,
        isWhole: Bool
    ) -> Int32 {
        guard channel.isActive else { return EBADF }
        if isWhole { _ = roost_udp_forbid_fragments(descriptor, address.count, 1) }
        // SAFETY: the caller keeps the parts' memory alive during the call, which copies it.
        let sent = unsafe roost_udp_send_parts(
            descriptor,
            address,
            address.count,
            port,
            parts.baseAddress,
            parts.count,
            UInt16(clamping: segmentSize)
        )
        let failure = sent < 0 ? errno : 0
        if isWhole { _ = roost_udp_forbid_fragments(descriptor, address.count, 0) }
        return failure
    }

    /// Prepares for long runs of datagrams, at the cost of a quarter of a MiB of buffer, or for single ones again. On the event loop.
    func expectRuns(_ isExpected: Bool) {
        guard let options = channel.syncOptions else { return }
        let capacity = isExpected ? Self.runsPerRead * Self.longestRun : Self.longestDatagram
        multiplexer.value.drained = isExpected ? nil : descriptor
        // A kernel without it hands datagrams over one by one.
        try? options.setOption(.datagramReceiveOffload, value: isExpected)
        try? options.setOption(.datagramReceiveSegmentSize, value: isExpected)
        try? options.setOption(.maxMessagesPerRead, value: UInt(isExpected ? Self.runsPerRead : 1))
        try? options.setOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: capacity))
        try? options.setOption(.datagramVectorReadMessageCount, value: isExpected ? Self.runsPerRead : 0)
    }

    /// Sends all of them in as few system calls as there can be. What cannot be sent is lost. To be called on the event loop.
    func send(_ batch: DatagramBatch) {
        eventLoop.preconditionInEventLoop()
        guard channel.isActive else { return }
        multiplexer.value.describe(batch) { datagrams in
            // SAFETY: both arrays outlive the call, and every datagram ends within the bytes.
            _ = unsafe roost_udp_send_many(descriptor, batch.memory, datagrams, datagrams.count)
        }
    }

    /// False once it was closed, by us or by the system.
    public var isOpen: Bool { channel.isActive }

    /// Closes the port; returns when it is free.
    public func close() async { try? await channel.close().get() }

    /// On the event loop.
    func closeNow() { channel.close(promise: nil) }
}
