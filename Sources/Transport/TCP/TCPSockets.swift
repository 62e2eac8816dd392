// SPDX-License-Identifier: Apache-2.0
internal import CLinux
public import NIOCore
internal import NIOPosix
public import Wire

/// Makes TCP connections to peers, and accepts them.
///
/// Nothing waits behind Nagle's algorithm; reads grow to ``TCPConfiguration/maximumReadBytes``; send and receive buffers are
/// left to the kernel, whose tuning beat every fixed size that was measured.
public struct TCPSockets: Sendable {
    /// As it was begun with.
    public let configuration: TCPConfiguration
    private let loop: any EventLoop

    /// `loop`: where the connections live.
    public init(loop: any EventLoop, configuration: TCPConfiguration = TCPConfiguration()) {
        self.loop = loop
        self.configuration = configuration
    }

    /// Connects to `endpoint` within `timeout`.
    ///
    /// `initializer`: adds the handlers, on the loop, before anything is read.
    public func connect(
        to endpoint: Endpoint,
        timeout: TimeAmount,
        initializer: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        let address: SocketAddress
        do { address = try endpoint.socketAddress() } catch { return loop.makeFailedFuture(error) }
        let configuration = configuration
        return ClientBootstrap(group: loop)
            .connectTimeout(timeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.recvAllocator, value: Self.allocator(configuration))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try initializer(channel) }
            }
            .connect(to: address)
            .map { channel in
                Self.setCongestionControl(of: channel, for: endpoint.address, configuration)
                return channel
            }
    }

    /// Listens on `endpoint`; port 0 takes any that is free.
    ///
    /// `initializer`: adds the handlers of an accepted connection, on the loop.
    public func listen(
        on endpoint: Endpoint,
        initializer: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        let address: SocketAddress
        do { address = try endpoint.socketAddress() } catch { return loop.makeFailedFuture(error) }
        let configuration = configuration
        var bootstrap = ServerBootstrap(group: loop)
        if !endpoint.address.isV4 {
            // IPv4 has a socket of its own: no address comes in the other's clothes.
            let v6only = ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only)
            bootstrap = bootstrap.serverChannelOption(v6only, value: 1)
        }
        return
            bootstrap
            .serverChannelOption(.backlog, value: configuration.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.recvAllocator, value: Self.allocator(configuration))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let remote = channel.remoteAddress.flatMap({ Endpoint($0) }) {
                        Self.setCongestionControl(of: channel, for: remote.address, configuration)
                    }
                    try initializer(channel)
                }
            }
            .bind(to: address)
    }

    private static func allocator(_ configuration: TCPConfiguration) -> AdaptiveRecvByteBufferAllocator {
        let maximum = max(16_384, configuration.maximumReadBytes)
        return AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 16_384, maximum: maximum)
    }

    /// Of a connection that stands, for its handshake tells how long the path is. Best effort: a kernel without that
    /// algorithm keeps its own.
    private static func setCongestionControl(
        of channel: any Channel,
        for address: IPAddress,
        _ configuration: TCPConfiguration
    ) {
        try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable { (socket: NIOBSDSocket.Handle) in
            let roundTrip = roost_round_trip(socket)
            guard let name = configuration.congestionControl(for: address, roundTrip: roundTrip) else { return }
            // SAFETY: the name is a C string for the duration of the call, which copies it.
            _ = unsafe roost_set_congestion(socket, name)
        }
    }
}
