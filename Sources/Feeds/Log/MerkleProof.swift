// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Checks proofs about a log's tree as they come from others. Any input gives an answer.
public enum MerkleProof {
    /// Whether `leaf` is at `index` in the tree of `size` leaves that has `root` (RFC 9162 §2.1.3.2).
    public static func verifiesInclusion(
        of leaf: Digest256,
        at index: Int,
        size: Int,
        root: Digest256,
        proof: [Digest256]
    ) -> Bool {
        guard index >= 0, index < size else { return false }
        var first = index
        var last = size - 1
        var node = leaf
        for sibling in proof {
            guard last > 0 else { return false }
            if first & 1 == 1 || first == last {
                node = LogHash.node(sibling, node)
                skipRightEdge(&first, &last)
            } else {
                node = LogHash.node(node, sibling)
            }
            first >>= 1
            last >>= 1
        }
        return last == 0 && node == root
    }

    /// Whether the tree of `old` leaves with `oldRoot` is the beginning of that of `new` leaves with `newRoot`
    /// (RFC 9162 §2.1.4.2). An empty old tree proves nothing and is refused.
    public static func verifiesConsistency(
        from old: Int,
        root oldRoot: Digest256,
        to new: Int,
        root newRoot: Digest256,
        proof: [Digest256]
    ) -> Bool {
        guard old > 0, old <= new else { return false }
        if old == new { return proof.isEmpty && oldRoot == newRoot }
        // Where the old size is a power of two its root is a node of the new tree, and the proof leaves it out.
        var path = (old & (old - 1) == 0 ? [oldRoot] : []) + proof
        guard !path.isEmpty else { return false }
        var first = old - 1
        var last = new - 1
        while first & 1 == 1 {
            first >>= 1
            last >>= 1
        }
        let start = path.removeFirst()
        var oldNode = start
        var newNode = start
        for sibling in path {
            guard last > 0 else { return false }
            if first & 1 == 1 || first == last {
                oldNode = LogHash.node(sibling, oldNode)
                newNode = LogHash.node(sibling, newNode)
                skipRightEdge(&first, &last)
            } else {
                newNode = LogHash.node(newNode, sibling)
            }
            first >>= 1
            last >>= 1
        }
        return last == 0 && oldNode == oldRoot && newNode == newRoot
    }

    /// At the right edge a node without a sibling moves up unchanged.
    private static func skipRightEdge(_ first: inout Int, _ last: inout Int) {
        while first & 1 == 0, first != 0 {
            first >>= 1
            last >>= 1
        }
    }
}
