// SPDX-License-Identifier: Apache-2.0

/// How uTP connections behave.
public struct UTPConfiguration: Sendable {
    /// Connections at once, 1...10,000. Each costs about 1 KiB, 40 bytes a packet under way, and what is held for it.
    public var maximumConnections = 1000
    /// Connections that others began and have not confirmed; the oldest gives way. Each costs about 1 KiB.
    public var maximumUnconfirmed = 256
    /// The same from one address.
    public var maximumUnconfirmedPerAddress = 16
    /// Bytes that one connection may have held and unread, at a short and at a long round trip: it is what can be under way.
    public var receiveWindow = 1 << 20
    /// The same from a round trip of 10 ms on, where the window bounds the rate.
    public var longReceiveWindow = 4 << 20
    /// Bytes held for all connections together because something before them is missing. Beyond it packets are dropped.
    public var maximumHeldBytes = 32 << 20
    /// How long an acknowledgement may wait for a second packet, in microseconds.
    public var acknowledgementDelay: Int64 = 10_000
    /// Repetitions of the first packet, and of any other, before the connection is given up.
    public var synRepetitions = 2
    /// Of any other packet. Each wait is twice the one before.
    public var repetitions = 6
    /// Silence after which an acknowledgement is repeated, in microseconds: address translators forget (RFC 4787 §4.3).
    public var keepAlive: Int64 = 29_000_000
    /// How long a connection that we closed may take to deliver what is left, in microseconds.
    public var lingering: Int64 = 15_000_000
    /// Answers to packets of unknown connections in a second. None is larger than what it answers.
    public var resetsPerSecond = 20
    /// The largest datagram that we take, in bytes, told to peers that are of this program's kind.
    public var largestDatagram = UTPSpecification.ethernetDatagram(isV4: true)

    /// The defaults, for a machine with memory to spare.
    public init() {}
}
