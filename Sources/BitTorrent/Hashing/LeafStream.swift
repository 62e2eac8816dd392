// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

/// The leaves of a file's v2 tree, from its bytes in order, in parts of any size (BEP 52): SHA-256 of each 16 KiB.
struct LeafStream: Sendable {
    private var block = SHA256Stream()
    /// Bytes of the block that is under way.
    private(set) var fill = 0

    /// Adds the next bytes, which may end anywhere in a block.
    ///
    /// - Returns: the leaves of the blocks that they complete.
    mutating func update(_ bytes: RawSpan) -> [Digest256] {
        let blockLength = TorrentSpecification.blockLength
        var leaves: [Digest256] = []
        var offset = 0
        while offset < bytes.byteCount {
            let rest = bytes.byteCount - offset
            if fill == 0, rest >= blockLength {
                let end = offset + rest - rest % blockLength
                leaves += Hash.sha256(blocksOf: bytes.extracting(offset..<end), length: blockLength)
                offset = end
                continue
            }
            let end = min(offset + blockLength - fill, bytes.byteCount)
            block.update(bytes.extracting(offset..<end))
            fill += end - offset
            offset = end
            if fill == blockLength, let leaf = finish() { leaves.append(leaf) }
        }
        return leaves
    }

    /// The leaf of the block under way, which is the file's last; nil where none is. The next byte begins another.
    mutating func finish() -> Digest256? {
        guard fill > 0 else { return nil }
        fill = 0
        defer { block = SHA256Stream() }
        return block.finish()
    }
}
