// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The v2 hashes of one file, from its bytes in order, in parts of any size (BEP 52).
///
/// Memory: the piece layer, and 32 bytes for each doubling of the file's length.
public struct FileTreeHasher: Sendable {
    private let leavesPerPiece: Int
    private let pieceHeight: Int
    /// The leaves of the piece that is under way.
    private var piece = MerkleStack(layer: 0)
    private var pieces: MerkleStack
    private var pieceLayer: [UInt8] = []
    private var length: Int64 = 0
    private var blocks = LeafStream()

    /// - Precondition: the piece length is valid for v2 (``PieceLength/isValidForV2(_:)``).
    public init(pieceLength: Int) {
        precondition(PieceLength.isValidForV2(pieceLength), "\(pieceLength) is no piece length of BEP 52")
        leavesPerPiece = pieceLength / TorrentSpecification.blockLength
        pieceHeight = Merkle.pieceLayer(pieceLength: pieceLength)
        pieces = MerkleStack(layer: pieceHeight)
    }

    /// Adds the file's next bytes, as many as there are. The span may end anywhere in a block.
    public mutating func update(_ bytes: RawSpan) {
        length += Int64(bytes.byteCount)
        for leaf in blocks.update(bytes) { append(leaf: leaf) }
    }

    /// The same for an array.
    public mutating func update(_ bytes: [UInt8]) {
        // SAFETY: the span does not outlive the call, which holds the array.
        unsafe update(bytes.span.bytes)
    }

    private mutating func append(leaf: Digest256) {
        piece.append(leaf)
        if piece.count == leavesPerPiece { closePiece(piece.root()) }
    }

    private mutating func closePiece(_ hash: Digest256) {
        pieces.append(hash)
        pieceLayer.append(hash)
        piece = MerkleStack(layer: 0)
    }

    /// Goes on with what a job found out about the file's next bytes.
    mutating func append(_ run: LeafRun) {
        update(run.head)
        length += run.length - Int64(run.head.count)
        for leaf in run.leaves { append(leaf: leaf) }
        if run.tail.fill > 0 { blocks = run.tail }
    }

    /// The hashes of all that came; the hasher is used up.
    public consuming func finish() -> FileHashes {
        if let leaf = blocks.finish() { append(leaf: leaf) }
        guard length > 0 else { return FileHashes(length: 0, root: nil) }
        // A file that fits in one piece is padded to its own power of two only.
        if pieces.count == 0 { return FileHashes(length: length, root: piece.root()) }
        if piece.count > 0 { closePiece(piece.root(height: pieceHeight)) }
        return FileHashes(length: length, root: pieces.root(), pieceLayer: pieces.count > 1 ? pieceLayer : [])
    }
}
