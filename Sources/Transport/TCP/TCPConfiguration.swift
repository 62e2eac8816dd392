// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// How TCP sockets to peers are set up.
public struct TCPConfiguration: Sendable {
    /// The congestion control of short connections to loopback and private addresses; nil leaves the system's. A kernel whose
    /// default is BBR paces what has no bottleneck to learn: on loopback it is several times slower than a loss-based one.
    public var localCongestionControl: String? = "cubic"
    /// The longest round trip of a local connection, as its handshake showed it, in microseconds. A private address that is
    /// further away stands behind a tunnel or a provider's network, where losses have other reasons than a full queue.
    public var localRoundTrip: Int64 = 2000
    /// The congestion control of all other connections; nil leaves the system's.
    public var congestionControl: String?
    /// The largest read from a socket in bytes. Buffers grow to it only on connections that fill them.
    public var maximumReadBytes = 262_144
    /// Connections that wait to be accepted.
    public var backlog: Int32 = 512

    /// The defaults, for a machine with memory to spare.
    public init() {}

    /// For a connection whose handshake took `roundTrip` microseconds; nil leaves the system's.
    func congestionControl(for address: IPAddress, roundTrip: Int64) -> String? {
        address.isLocal && roundTrip <= localRoundTrip ? localCongestionControl : congestionControl
    }
}
