// SPDX-License-Identifier: Apache-2.0
internal import Keys
public import Wire

/// The arithmetic of BEP 52 trees: SHA-256, two children a node, leaves of 16 KiB, zero leaves past the end.
///
/// Layers count from the leaves, which are layer 0.
public enum Merkle {
    /// More than any tree within our limits has: 16 TiB in 16 KiB leaves is 2^30.
    public static let maximumHeight = 32

    private static let padding: [Digest256] = {
        var layers = [Digest256.zero]
        while layers.count <= maximumHeight + 1 {
            layers.append(Hash.sha256(layers[layers.count - 1], layers[layers.count - 1]))
        }
        return layers
    }()

    /// The hash of a subtree of `layer` layers above leaves that all lie past the end of the file.
    public static func padding(layer: Int) -> Digest256 { padding[min(max(layer, 0), maximumHeight + 1)] }

    /// How many layers a tree over `count` nodes has above them: the least n with 2^n of at least `count`.
    public static func height(of count: Int) -> Int {
        count <= 1 ? 0 : Int.bitWidth - (count - 1).leadingZeroBitCount
    }

    /// How many leaves a file of `length` bytes has.
    public static func leafCount(length: Int64) -> Int {
        let block = Int64(TorrentSpecification.blockLength)
        return length <= 0 ? 0 : Int((length - 1) / block + 1)
    }

    /// The layer whose nodes each cover one piece.
    public static func pieceLayer(pieceLength: Int) -> Int {
        height(of: pieceLength / TorrentSpecification.blockLength)
    }

    /// The root over `nodes` of `layer`, with padding up to the next power of two; the padding itself when there are none.
    public static func root(of nodes: some Sequence<Digest256>, layer: Int) -> Digest256 {
        var stack = MerkleStack(layer: layer)
        for node in nodes { stack.append(node) }
        return stack.root()
    }

    /// The root over one piece's bytes (or a shorter file's), in one pass.
    ///
    /// `height` is the layers above the leaves: the piece layer for a piece of a file longer than a piece, nil for a
    /// whole file, which is padded to its own power of two only.
    public static func root(of bytes: RawSpan, height: Int? = nil) -> Digest256 {
        var stack = MerkleStack(layer: 0)
        for leaf in Hash.sha256(blocksOf: bytes, length: TorrentSpecification.blockLength) { stack.append(leaf) }
        return stack.root(height: height)
    }

    /// As ``root(of:height:)-(RawSpan,_)``, of an array.
    public static func root(of bytes: [UInt8], height: Int? = nil) -> Digest256 {
        // SAFETY: the span does not outlive the call, which holds the array.
        unsafe root(of: bytes.span.bytes, height: height)
    }
}
