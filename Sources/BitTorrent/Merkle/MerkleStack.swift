// SPDX-License-Identifier: Apache-2.0
internal import Keys
public import Wire

/// The root of a tree whose nodes come from left to right: one hash a height is kept, never the layer itself.
///
/// Memory: 32 bytes for each doubling of the count.
public struct MerkleStack: Sendable {
    /// The layer that the nodes given belong to: what their padding is.
    public let layer: Int
    /// How many nodes have come.
    public private(set) var count = 0
    /// At `[n]`, the complete subtree of 2^n nodes that is still to be joined; valid where bit n of `count` is set.
    private var subtrees: [Digest256] = []

    /// `layer` counts from the leaves, 0.
    public init(layer: Int) {
        self.layer = layer
    }

    /// Adds the next node; at most one hash a height is computed.
    public mutating func append(_ node: Digest256) {
        var node = node
        var level = 0
        while count >> level & 1 == 1 {
            node = Hash.sha256(subtrees[level], node)
            level += 1
        }
        if level == subtrees.count { subtrees.append(node) } else { subtrees[level] = node }
        count += 1
    }

    /// The root `height` layers above the nodes, the missing ones being padding; by default the least that holds them.
    public func root(height: Int? = nil) -> Digest256 {
        let height = max(height ?? 0, Merkle.height(of: count))
        guard count > 0 else { return Merkle.padding(layer: layer + height) }
        var root: Digest256?
        for level in 0..<height {
            let right = root ?? Merkle.padding(layer: layer + level)
            if count >> level & 1 == 1 {
                root = Hash.sha256(subtrees[level], right)
            } else if let left = root {
                root = Hash.sha256(left, Merkle.padding(layer: layer + level))
            }
        }
        // Nothing joined on the way up: the count is a power of two, and that subtree is the root.
        return root ?? subtrees[height]
    }
}
