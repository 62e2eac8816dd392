// SPDX-License-Identifier: Apache-2.0
public import Wire

/// What a received piece must hash to, for the worker that has its bytes.
public struct PieceCheck: Hashable, Sendable {
    /// Whose bytes it is for.
    public var piece: PieceIndex
    /// Bytes received: the piece without padding at its end.
    public var dataLength: Int
    /// Bytes under ``v1``: zeros follow the data up to here.
    public var paddedLength: Int
    /// SHA-1 over ``paddedLength`` bytes.
    public var v1: Digest160?
    /// The root of the BEP 52 tree over the data.
    public var v2: Digest256?
    /// The height of that tree; nil for a file no longer than a piece, whose tree is as high as the file needs.
    public var v2Height: Int?
    /// The SHA-256 of each block is wanted even if the piece is right: it failed before, and is to be compared.
    public var wantsBlockDigests = false

    /// Of `v1` and `v2` at least one; in a hybrid the piece must have both.
    public init(
        piece: PieceIndex,
        dataLength: Int,
        paddedLength: Int,
        v1: Digest160?,
        v2: Digest256?,
        v2Height: Int? = nil
    ) {
        self.piece = piece
        self.dataLength = dataLength
        self.paddedLength = paddedLength
        self.v1 = v1
        self.v2 = v2
        self.v2Height = v2Height
    }
}

/// What became of a piece that was to be verified and written.
public enum PieceOutcome: Equatable, Sendable {
    /// It matches every hash that is known, and is written. Digests of its blocks where they were wanted.
    case stored(blockDigests: [Digest256])
    /// It does not match, and nothing was written. SHA-256 of each block of 16 KiB.
    case mismatch(blockDigests: [Digest256])
    /// It could not be written.
    case failed
}
