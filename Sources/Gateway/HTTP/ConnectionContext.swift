// SPDX-License-Identifier: Apache-2.0
internal import Hummingbird
internal import NIOCore

/// What the servers know of the connection that a request came on.
struct ConnectionContext: InitializableFromSource, Sendable {
    /// The other end is on this machine. `Host` is chosen by whoever sends, the address of the peer is not.
    let peerIsLoopback: Bool
    let client: Client

    init(source: ApplicationRequestContextSource) {
        client = Client(channel: source.channel)
        peerIsLoopback = source.channel.remoteAddress.map(Self.isLoopback) ?? false
    }

    private static func isLoopback(_ address: SocketAddress) -> Bool {
        switch address {
        case .v4: address.ipAddress?.hasPrefix("127.") ?? false
        case .v6: address.ipAddress == "::1" || (address.ipAddress?.hasPrefix("::ffff:127.") ?? false)
        case .unixDomainSocket: false
        }
    }
}
