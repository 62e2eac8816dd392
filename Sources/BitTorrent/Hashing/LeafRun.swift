// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// What one job learns of the v2 leaves of one file: a run of bytes that may begin and end inside a block.
struct LeafRun: Sendable {
    let file: Int
    /// Bytes so far.
    private(set) var length: Int64 = 0
    /// The bytes before the first block that starts in the run; the job before has the start of their block.
    private(set) var head: [UInt8] = []
    private(set) var leaves: [Digest256] = []
    /// With the block that is under way at the end.
    private(set) var tail = LeafStream()
    private var headMissing: Int

    init(file: Int, offset: Int64) {
        self.file = file
        let into = Int(offset % Int64(TorrentSpecification.blockLength))
        headMissing = into == 0 ? 0 : TorrentSpecification.blockLength - into
    }

    mutating func update(_ bytes: RawSpan) {
        length += Int64(bytes.byteCount)
        let before = min(headMissing, bytes.byteCount)
        if before > 0 {
            unsafe bytes.extracting(0..<before).withUnsafeBytes { unsafe head.append(contentsOf: $0) }
            headMissing -= before
        }
        leaves += tail.update(bytes.extracting(before..<bytes.byteCount))
    }

    /// The root over the run's leaves, an unfinished block counting as the file's last.
    func root(height: Int?) -> Digest256 {
        var stack = MerkleStack(layer: 0)
        for leaf in leaves { stack.append(leaf) }
        var tail = tail
        if let leaf = tail.finish() { stack.append(leaf) }
        return stack.root(height: height)
    }
}
