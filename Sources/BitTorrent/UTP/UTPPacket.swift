// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The fields of a packet's header (BEP 29 "header format").
public struct UTPHeader: Equatable, Sendable {
    /// What the packet is for.
    public var type: UTPPacketType
    /// The number under which the receiver knows the connection; in a SYN the one under which its sender will.
    public var connectionID: UInt16
    /// When it was sent, by the sender's clock, in microseconds.
    public var timestamp: UInt32 = 0
    /// The last one-way delay that its sender saw, in microseconds and of no fixed origin; 0 while there was none.
    public var timestampDifference: UInt32 = 0
    /// Bytes that its sender can still take.
    public var window: UInt32 = 0
    /// Which packet this is; an acknowledgement alone uses up no number.
    public var sequence: UInt16
    /// The last packet that its sender has together with all before it.
    public var acknowledged: UInt16

    /// For a packet to be written; see the fields.
    public init(
        type: UTPPacketType,
        connectionID: UInt16,
        timestamp: UInt32 = 0,
        timestampDifference: UInt32 = 0,
        window: UInt32 = 0,
        sequence: UInt16,
        acknowledged: UInt16
    ) {
        self.type = type
        self.connectionID = connectionID
        self.timestamp = timestamp
        self.timestampDifference = timestampDifference
        self.window = window
        self.sequence = sequence
        self.acknowledged = acknowledged
    }

    /// Appends the 20 bytes; `firstExtension` names what the caller appends behind them.
    func encode(into bytes: inout [UInt8], firstExtension: UInt8 = 0) {
        bytes.append(type.rawValue << 4 | UTPSpecification.version)
        bytes.append(firstExtension)
        bytes.append(bigEndian: connectionID)
        bytes.append(bigEndian: timestamp)
        bytes.append(bigEndian: timestampDifference)
        bytes.append(bigEndian: window)
        bytes.append(bigEndian: sequence)
        bytes.append(bigEndian: acknowledged)
    }
}

/// A received datagram taken apart. Ranges are of its bytes.
public struct UTPPacket: Equatable, Sendable {
    /// Extensions in one packet; a packet with more is dropped.
    static let maximumExtensions = 8

    /// Its first 20 bytes.
    public var header: UTPHeader
    /// The bit mask of the selective acknowledgement: the lowest bit of its first byte is the packet after the next.
    public var selectiveAck: Range<Int>?
    /// Why the other side closes, by libtorrent's numbers.
    public var closeReason: UInt16?
    /// What follows header and extensions.
    public var payload: Range<Int>

    /// Nil where it is no packet of version 1, or says that it is longer than it is.
    public init?(_ bytes: Span<UInt8>) {
        guard bytes.count >= UTPSpecification.headerByteCount, bytes[0] & 0x0F == UTPSpecification.version,
            let type = UTPPacketType(rawValue: bytes[0] >> 4)
        else { return nil }
        header = UTPHeader(
            type: type,
            connectionID: bytes.utp16(at: 2),
            timestamp: bytes.utp32(at: 4),
            timestampDifference: bytes.utp32(at: 8),
            window: bytes.utp32(at: 12),
            sequence: bytes.utp16(at: 16),
            acknowledged: bytes.utp16(at: 18)
        )
        payload = UTPSpecification.headerByteCount..<bytes.count
        var kind = bytes[1]
        var extensions = 0
        while kind != 0 {
            let start = payload.lowerBound + 2
            guard extensions < Self.maximumExtensions, start <= bytes.count else { return nil }
            let end = start + Int(bytes[start - 1])
            guard end <= bytes.count else { return nil }
            take(kind, start..<end, of: bytes)
            kind = bytes[start - 2]
            payload = end..<bytes.count
            extensions += 1
        }
    }

    private mutating func take(_ kind: UInt8, _ range: Range<Int>, of bytes: Span<UInt8>) {
        switch kind {
        case UTPExtension.selectiveAck where !range.isEmpty: selectiveAck = range
        case UTPExtension.closeReason where range.count == 4: closeReason = bytes.utp16(at: range.lowerBound + 2)
        default: break
        }
    }
}

extension Span<UInt8> {
    fileprivate func utp16(at index: Int) -> UInt16 { UInt16(self[index]) << 8 | UInt16(self[index + 1]) }

    fileprivate func utp32(at index: Int) -> UInt32 { UInt32(utp16(at: index)) << 16 | UInt32(utp16(at: index + 2)) }
}
