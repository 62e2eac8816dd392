// SPDX-License-Identifier: Apache-2.0
public import Wire

/// What BEP 52's `hash request`, `hashes` and `hash reject` messages all carry: a run of hashes of one layer of a
/// file's tree, and how far up their proof goes.
public struct HashRequest: Hashable, Sendable {
    /// More is refused. The specification advises at most 512; leaves are asked for a piece at a time, so this caps
    /// the piece length at 128 MiB.
    public static let maximumLength = 8192
    /// What we ask for at most, and the grain in which ``MerkleTree`` keeps a piece layer.
    public static let preferredLength = 512

    /// The root of the file's tree.
    public var piecesRoot: Digest256
    /// The layer of the hashes wanted; 0 are the leaves.
    public var baseLayer: Int
    /// The first hash wanted, counted in the base layer.
    public var index: Int
    /// How many hashes of the base layer.
    public var length: Int
    /// How many layers above the base one are to be proven.
    public var proofLayers: Int

    /// Any fixed order, for decisions that must not depend on that of a hash table.
    func precedes(_ other: HashRequest) -> Bool {
        guard piecesRoot == other.piecesRoot else { return piecesRoot < other.piecesRoot }
        return (baseLayer, index, length, proofLayers)
            < (other.baseLayer, other.index, other.length, other.proofLayers)
    }

    /// Nothing is checked: what a peer asks for is judged against a tree.
    public init(piecesRoot: Digest256, baseLayer: Int, index: Int, length: Int, proofLayers: Int) {
        self.piecesRoot = piecesRoot
        self.baseLayer = baseLayer
        self.index = index
        self.length = length
        self.proofLayers = proofLayers
    }

    /// How many layers the hashes wanted make up by themselves.
    var height: Int { Merkle.height(of: length) }

    /// How many sibling hashes follow the ones wanted: a layer that these contain whole needs none.
    public var proofCount: Int { max(0, proofLayers - height + 1) }

    /// How many hashes the answer holds.
    public var answerCount: Int { length + proofCount }

    /// Whether a tree of `treeHeight` layers above `leafCount` leaves has all that is asked for.
    func isValid(treeHeight: Int, leafCount: Int) -> Bool {
        guard (0...treeHeight).contains(baseLayer), (1...Self.maximumLength).contains(length), index >= 0,
            proofLayers >= 0, proofLayers <= Merkle.maximumHeight
        else { return false }
        let width = 1 << height
        let layerWidth = 1 << (treeHeight - baseLayer)
        guard index < layerWidth, index % width == 0, width <= layerWidth,
            baseLayer + height + proofCount <= treeHeight
        else { return false }
        // A length that is no power of two must reach the end of the layer: what is missing is padding.
        let nodes = ((leafCount - 1) >> baseLayer) + 1
        return length == width || index + length >= nodes
    }
}
