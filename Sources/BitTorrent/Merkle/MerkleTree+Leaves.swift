// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension MerkleTree {
    /// Whether leaf hashes made from the pieces that ``piecesToHash(for:)`` names, in order and without padding, are those
    /// of the file: what was read under them is what was written.
    func contains(leaves: [Digest256], readFor request: HashRequest) -> Bool {
        guard let pieces = piecesToHash(for: request) else { return false }
        var rest = leaves[...]
        for piece in pieces {
            var stack = MerkleStack(layer: 0)
            for leaf in rest.prefix(1 << pieceLayer) { stack.append(leaf) }
            rest = rest.dropFirst(1 << pieceLayer)
            guard let expected = pieceHash(piece), stack.root(height: pieceLayer) == expected else { return false }
        }
        return rest.isEmpty
    }
}
