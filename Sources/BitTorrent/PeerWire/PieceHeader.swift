// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// What stands before the payload of a piece message (BEP 3): length, kind, piece and offset, in ``byteCount`` bytes.
public struct PieceHeader: Equatable, Sendable {
    /// Bytes of it on the wire.
    public static let byteCount = 13

    /// The length of the message: what follows it.
    public let messageLength: UInt32
    /// The piece's number, as the request had it.
    public let piece: UInt32
    /// Of the payload, from the first byte of the piece.
    public let offset: UInt32

    /// `block`: of a length that leaves room for nine bytes in 32 bits.
    init(_ block: BlockRange) {
        messageLength = block.length + 9
        piece = block.piece
        offset = block.offset
    }

    /// As on the wire. Whoever writes many appends the three numbers and ``PeerMessageID/piece`` itself.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        bytes.append(bigEndian: messageLength)
        bytes.append(PeerMessageID.piece)
        bytes.append(bigEndian: piece)
        bytes.append(bigEndian: offset)
        return bytes
    }
}
