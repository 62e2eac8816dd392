// SPDX-License-Identifier: Apache-2.0
public import Wire

/// A log's tree with every complete subtree kept, so that roots and proofs for any earlier size cost a logarithm.
///
/// Memory: 64 bytes a leaf. Holders keep one; a reader who only follows needs a ``MerkleFrontier``.
public struct MerkleTree: Sendable {
    /// `levels[h][i]` is the root of the complete subtree over leaves `i << h ..< (i + 1) << h`.
    private var levels: [[Digest256]] = [[]]

    /// No leaves.
    public init() {}

    /// How many leaves there are.
    public var size: Int { levels[0].count }
    /// The root over all leaves; ``LogHash/empty`` without any.
    public var root: Digest256 { hash(0..<size) }

    /// Adds the next leaf: on average one hash more.
    public mutating func append(leaf: Digest256) {
        levels[0].append(leaf)
        var height = 0
        while levels[height].count.isMultiple(of: 2) {
            let row = levels[height]
            if levels.count == height + 1 { levels.append([]) }
            levels[height + 1].append(LogHash.node(row[row.count - 2], row[row.count - 1]))
            height += 1
        }
    }

    /// Forgets the leaves from `size` on.
    public mutating func truncate(to size: Int) {
        precondition(size >= 0, "a tree has no negative size")
        guard size < self.size else { return }
        for height in levels.indices {
            let surplus = levels[height].count - size >> height
            levels[height].removeLast(max(0, surplus))
        }
    }

    /// The root over the first `size` leaves; nil beyond ``size``.
    public func root(at size: Int) -> Digest256? {
        guard size >= 0, size <= self.size else { return nil }
        return hash(0..<size)
    }

    /// The leaf at `index`; nil beyond ``size``.
    public func leaf(at index: Int) -> Digest256? {
        levels[0].indices.contains(index) ? levels[0][index] : nil
    }

    /// That the leaf at `index` is in the tree of `size` leaves (RFC 9162 §2.1.3.1); nil where there is no such leaf.
    public func inclusionProof(of index: Int, in size: Int) -> [Digest256]? {
        guard index >= 0, index < size, size <= self.size else { return nil }
        var proof: [Digest256] = []
        var range = 0..<size
        while range.count > 1 {
            let middle = range.lowerBound + Self.split(range.count)
            if index < middle {
                proof.append(hash(middle..<range.upperBound))
                range = range.lowerBound..<middle
            } else {
                proof.append(hash(range.lowerBound..<middle))
                range = middle..<range.upperBound
            }
        }
        return proof.reversed()
    }

    /// That the tree of `old` leaves is the beginning of that of `new` (RFC 9162 §2.1.4.1).
    ///
    /// Nil unless `0 < old ≤ new ≤ size`; empty where they are equal.
    public func consistencyProof(from old: Int, to new: Int) -> [Digest256]? {
        guard old > 0, old <= new, new <= size else { return nil }
        var proof: [Digest256] = []
        var range = 0..<new
        // The reader knows the root of the old tree: it is left out while the old tree is the whole left side.
        var isWholeOldTree = true
        while old != range.upperBound {
            let middle = range.lowerBound + Self.split(range.count)
            if old <= middle {
                proof.append(hash(middle..<range.upperBound))
                range = range.lowerBound..<middle
            } else {
                proof.append(hash(range.lowerBound..<middle))
                range = middle..<range.upperBound
                isWholeOldTree = false
            }
        }
        if !isWholeOldTree { proof.append(hash(range)) }
        return proof.reversed()
    }

    /// The largest power of two below `count`, which is over one.
    private static func split(_ count: Int) -> Int { 1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount) }

    private func hash(_ range: Range<Int>) -> Digest256 {
        guard !range.isEmpty else { return LogHash.empty }
        let height = range.count.trailingZeroBitCount
        if range.count == 1 << height { return levels[height][range.lowerBound >> height] }
        let middle = range.lowerBound + Self.split(range.count)
        return LogHash.node(hash(range.lowerBound..<middle), hash(middle..<range.upperBound))
    }
}
