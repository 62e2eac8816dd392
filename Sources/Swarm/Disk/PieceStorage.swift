// SPDX-License-Identifier: Apache-2.0
public import BitTorrent

/// Where the pieces of one torrent are kept.
///
/// Called from worker threads, several at once, and may block. Only pieces that were verified are ever written, and only
/// pieces that were verified are read to be served.
public protocol PieceStorage: Sendable {
    /// Writes a whole piece, padding not included. After it returns, the piece can be read.
    func write(_ piece: PieceIndex, _ bytes: RawSpan) throws(PieceStorageError)

    /// Fills `bytes` from a range of a piece; padding reads as zeros.
    func read(_ piece: PieceIndex, offset: Int, into bytes: inout MutableRawSpan) throws(PieceStorageError)

    /// Makes what was written survive a crash, and remembers that `verified` is there.
    func save(verified: Bitfield) throws(PieceStorageError)
}

/// What went wrong with a torrent's files.
public enum PieceStorageError: Error, Equatable, Sendable {
    /// The system refused, with this error number.
    case system(errno: Int32, path: String)
    /// The file ends before the bytes that are wanted.
    case endOfFile(path: String)
    /// The piece is none of this torrent.
    case noSuchPiece(Int)
    /// A name that cannot be kept safely.
    case unsafeName(String)
}
