// SPDX-License-Identifier: Apache-2.0

/// A run of bytes of one file: the part of it that a piece, or a range of a piece, covers.
public struct FileSegment: Hashable, Sendable {
    /// The number of the file in the torrent's list.
    public var file: Int
    /// Where the run starts in the file.
    public var offset: Int64
    /// Bytes, at least 1.
    public var length: Int
    /// Where the run starts in the piece.
    public var pieceOffset: Int
    /// The run belongs to a pad file: zeros, not stored.
    public var isPadding: Bool

    /// `offset` counts in the file, `pieceOffset` in the piece, both in bytes.
    public init(file: Int, offset: Int64, length: Int, pieceOffset: Int = 0, isPadding: Bool = false) {
        self.file = file
        self.offset = offset
        self.length = length
        self.pieceOffset = pieceOffset
        self.isPadding = isPadding
    }
}
