// SPDX-License-Identifier: Apache-2.0
internal import Keys
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
    /// The block that is under way, and how many of its bytes have come.
    private var block = SHA256Stream()
    private var blockFill = 0

    /// - Precondition: the piece length is valid for v2 (``PieceLength/isValidForV2(_:)``).
    public init(pieceLength: Int) {
        precondition(PieceLength.isValidForV2(pieceLength), "\(pieceLength) is no piece length of BEP 52")
        leavesPerPiece = pieceLength / TorrentSpecification.blockLength
        pieceHeight = Merkle.pieceLayer(pieceLength: pieceLength)
        pieces = MerkleStack(layer: pieceHeight)
    }

    /// Adds the file's next bytes, as many as there are. The span may end anywhere in a block.
    public mutating func update(_ bytes: RawSpan) {
        var offset = 0
        while offset < bytes.byteCount {
            let whole = bytes.byteCount - offset - (bytes.byteCount - offset) % TorrentSpecification.blockLength
            if blockFill == 0, whole > 0 {
                takeBlocks(bytes.extracting(offset..<offset + whole))
                offset += whole
                continue
            }
            let end = min(offset + TorrentSpecification.blockLength - blockFill, bytes.byteCount)
            take(bytes.extracting(offset..<end))
            offset = end
        }
    }

    /// The same for an array.
    public mutating func update(_ bytes: [UInt8]) {
        // SAFETY: the span does not outlive the call, which holds the array.
        unsafe update(bytes.span.bytes)
    }

    /// Whole blocks.
    private mutating func takeBlocks(_ bytes: RawSpan) {
        length += Int64(bytes.byteCount)
        for leaf in Hash.sha256(blocksOf: bytes, length: TorrentSpecification.blockLength) { append(leaf: leaf) }
    }

    /// Bytes of one block, no more than are missing to its end.
    private mutating func take(_ bytes: RawSpan) {
        length += Int64(bytes.byteCount)
        block.update(bytes)
        blockFill += bytes.byteCount
        if blockFill == TorrentSpecification.blockLength { closeBlock() }
    }

    private mutating func closeBlock() {
        let leaf = block.finish()
        block = SHA256Stream()
        blockFill = 0
        append(leaf: leaf)
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
        if run.tailFill > 0 {
            block = run.tail
            blockFill = run.tailFill
        }
    }

    /// The hashes of all that came; the hasher is used up.
    public consuming func finish() -> FileHashes {
        if blockFill > 0 { closeBlock() }
        guard length > 0 else { return FileHashes(length: 0, root: nil) }
        // A file that fits in one piece is padded to its own power of two only.
        if pieces.count == 0 { return FileHashes(length: length, root: piece.root()) }
        if piece.count > 0 { closePiece(piece.root(height: pieceHeight)) }
        return FileHashes(length: length, root: pieces.root(), pieceLayer: pieces.count > 1 ? pieceLayer : [])
    }
}
