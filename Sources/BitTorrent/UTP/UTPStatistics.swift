// SPDX-License-Identifier: Apache-2.0

/// How one connection fares.
public struct UTPStatistics: Equatable, Sendable {
    /// Microseconds, smoothed; nil before the first acknowledgement.
    public var roundTrip: Int64?
    /// Bytes that may be under way, and that are.
    public var window: Int
    /// Bytes that are sent and not acknowledged.
    public var underWay: Int
    /// Bytes of UDP payload in a full packet.
    public var datagram: Int
    /// Packets that were sent, repetitions among them.
    public var packetsSent: Int64
    /// Microseconds of added delay at which sending slows down.
    public var targetDelay: Int64
    /// Bytes that the other side can still take, as it said last.
    public var peerWindow: Int

    init(_ connection: UTPConnection) {
        roundTrip = connection.roundTrip.mean
        window = connection.congestion.window
        underWay = connection.sending.flight
        datagram = connection.pathMTU.floor
        packetsSent = connection.sending.transmissions
        targetDelay = connection.congestion.target
        peerWindow = connection.peerWindow
    }
}
