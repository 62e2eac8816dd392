// SPDX-License-Identifier: Apache-2.0

/// A range of bytes in one piece: what request, cancel, reject and piece messages name (BEP 3).
///
/// As received it is only a claim: nothing in it has been checked against a torrent.
public struct BlockRange: Hashable, Sendable {
    /// The piece's number as sent: ``PieceMap/index(_:)`` judges it.
    public var piece: UInt32
    /// From the first byte of the piece.
    public var offset: UInt32
    /// In bytes.
    public var length: UInt32

    /// As sent or to be sent; nothing is checked here.
    public init(piece: UInt32, offset: UInt32, length: UInt32) {
        self.piece = piece
        self.offset = offset
        self.length = length
    }
}
