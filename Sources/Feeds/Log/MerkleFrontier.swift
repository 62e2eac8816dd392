// SPDX-License-Identifier: Apache-2.0
public import Wire

/// The right edge of a log's tree: all that is needed to append and to know the root.
///
/// Memory: one digest for each bit set in ``size``, at most 64.
public struct MerkleFrontier: Equatable, Sendable {
    /// How many leaves there are.
    public private(set) var size = 0
    /// The roots of the complete subtrees, the largest first: one for each bit set in ``size``.
    private var peaks: [Digest256] = []

    /// No leaves.
    public init() {}

    /// Adds the next leaf: at most one hash a peak.
    public mutating func append(leaf: Digest256) {
        var node = leaf
        var rest = size
        while rest & 1 == 1, let left = peaks.popLast() {
            node = LogHash.node(left, node)
            rest >>= 1
        }
        peaks.append(node)
        size += 1
    }

    /// The root over all leaves; ``LogHash/empty`` without any.
    public var root: Digest256 {
        guard var root = peaks.last else { return LogHash.empty }
        for peak in peaks.dropLast().reversed() { root = LogHash.node(peak, root) }
        return root
    }
}
