// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Why a connection is no more.
public enum UTPEnding: Equatable, Sendable {
    /// Both sides closed, or ours did and all of it has arrived.
    case closed
    /// The other side does not know the connection, or wants none.
    case reset
    /// No answer, to the first packet or to any later one.
    case timedOut
    /// Pushed out by others before it was confirmed.
    case displaced
}

/// What came about. Ranges are of the datagram at hand, offsets of the stream that we send.
public enum UTPEvent: Equatable, Sendable {
    /// Our connection is open.
    case connected(UTPConnectionID)
    /// Somebody's connection to us is open: a second packet proved the address.
    case accepted(UTPConnectionID, Endpoint)
    /// The next bytes of the stream.
    case received(UTPConnectionID, Range<Int>)
    /// Bytes to be kept under this key: something before them is missing.
    case held(UTPConnectionID, key: UInt16, Range<Int>)
    /// So many kept pieces are the next bytes, from this key on.
    case released(UTPConnectionID, first: UInt16, count: Int)
    /// Everything before this offset has arrived: it need not be kept.
    case arrived(UTPConnectionID, before: Int64)
    /// The other side sends no more; its reason by libtorrent's numbers, 0 for none.
    case finished(UTPConnectionID, reason: UInt16)
    /// The connection is no more, and its identifier means nothing.
    case ended(UTPConnectionID, UTPEnding)
}

/// What a ``UTPMultiplexer`` wants done. Its owner empties and uses it again: nothing is allocated for a packet.
///
/// Bounded by what one input can cause: for a datagram three events and no packet; for a flush or a tick the packets that fit
/// into the windows.
public struct UTPOutput: Sendable {
    /// One datagram: bytes of ``headers`` and then bytes of the connection's stream.
    public struct Packet: Equatable, Sendable {
        /// Whose packet it is, and so where to.
        public var connection: UTPConnectionID
        /// Its header, in bytes of ``UTPOutput/headers``.
        public var header: Range<Int>
        /// Where its payload begins, in bytes of the connection's stream.
        public var offset: Int64
        /// Bytes of payload; 0 for an acknowledgement alone.
        public var count: Int
        /// It must arrive in one piece or not at all.
        public var isProbe: Bool

        /// Bytes of the datagram.
        public var size: Int { header.count + count }
    }

    /// An answer that belongs to no connection.
    public struct Reply: Equatable, Sendable {
        /// Where the datagram came from.
        public var destination: Endpoint
        /// The whole answer: 20 bytes.
        public var bytes: [UInt8]
    }

    /// The headers of all packets, one behind the other.
    public var headers: [UInt8] = []
    /// In the order in which they are to leave.
    public var packets: [Packet] = []
    /// A few a second at most (``UTPConfiguration/resetsPerSecond``).
    public var replies: [Reply] = []
    /// In the order in which they came about.
    public var events: [UTPEvent] = []

    /// Empty; one object serves for good.
    public init() {}

    /// Forgets what was acted on and keeps the memory.
    public mutating func removeAll() {
        headers.removeAll(keepingCapacity: true)
        packets.removeAll(keepingCapacity: true)
        replies.removeAll(keepingCapacity: true)
        events.removeAll(keepingCapacity: true)
    }
}
