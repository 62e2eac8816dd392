// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

/// What one job learns of the v2 leaves of one file: a run of bytes that may begin and end inside a block.
struct LeafRun: Sendable {
    let file: Int
    /// Bytes so far.
    private(set) var length: Int64 = 0
    /// The bytes before the first block that starts in the run; the job before has the start of their block.
    private(set) var head: [UInt8] = []
    private(set) var leaves: [Digest256] = []
    /// The hash of the block that is under way at the end, and how many of its bytes it has.
    private(set) var tail = SHA256Stream()
    private(set) var tailFill = 0
    private var headMissing: Int

    init(file: Int, offset: Int64) {
        self.file = file
        let into = Int(offset % Int64(TorrentSpecification.blockLength))
        headMissing = into == 0 ? 0 : TorrentSpecification.blockLength - into
    }

    mutating func update(_ bytes: RawSpan) {
        length += Int64(bytes.byteCount)
        var offset = min(headMissing, bytes.byteCount)
        if offset > 0 {
            unsafe bytes.extracting(0..<offset).withUnsafeBytes { unsafe head.append(contentsOf: $0) }
            headMissing -= offset
        }
        while offset < bytes.byteCount {
            let whole = bytes.byteCount - offset - (bytes.byteCount - offset) % TorrentSpecification.blockLength
            if tailFill == 0, whole > 0 {
                let blocks = bytes.extracting(offset..<offset + whole)
                leaves += Hash.sha256(blocksOf: blocks, length: TorrentSpecification.blockLength)
                offset += whole
                continue
            }
            let end = min(offset + TorrentSpecification.blockLength - tailFill, bytes.byteCount)
            take(bytes.extracting(offset..<end))
            offset = end
        }
    }

    private mutating func take(_ bytes: RawSpan) {
        tail.update(bytes)
        tailFill += bytes.byteCount
        guard tailFill == TorrentSpecification.blockLength else { return }
        leaves.append(tail.finish())
        tail = SHA256Stream()
        tailFill = 0
    }

    /// The root over the run's leaves, an unfinished block counting as the file's last.
    func root(height: Int?) -> Digest256 {
        var stack = MerkleStack(layer: 0)
        for leaf in leaves { stack.append(leaf) }
        if tailFill > 0 { stack.append(tail.finish()) }
        return stack.root(height: height)
    }
}
