// SPDX-License-Identifier: Apache-2.0

/// Hashes the bytes of one job of a ``HashPlan``, given in the order of its segments and in parts of any size.
public struct HashJobRunner: Sendable {
    /// What to read, in order; padding is not read and not given.
    public let segments: [FileSegment]
    private let index: Int
    private let hasV2: Bool
    private var pieces: PieceStream?
    private var runs: [LeafRun] = []
    private var segment = 0
    /// Bytes of the current segment that have come.
    private var done = 0
    private var isOverfed = false

    init(index: Int, segments: [FileSegment], pieceLength: Int, hasV1: Bool, hasV2: Bool) {
        self.index = index
        self.segments = segments
        self.hasV2 = hasV2
        pieces = hasV1 ? PieceStream(pieceLength: pieceLength) : nil
        startSegment()
    }

    /// Hashes the job's next bytes. What goes beyond its end is not hashed and makes ``finish()`` give nil.
    public mutating func update(_ bytes: RawSpan) {
        var offset = 0
        while offset < bytes.byteCount {
            guard segment < segments.count else {
                isOverfed = true
                return
            }
            let end = min(offset + segments[segment].length - done, bytes.byteCount)
            let part = bytes.extracting(offset..<end)
            pieces?.update(part)
            if hasV2 { runs[runs.count - 1].update(part) }
            done += end - offset
            offset = end
            if done == segments[segment].length {
                segment += 1
                startSegment()
            }
        }
    }

    /// The same for an array.
    public mutating func update(_ bytes: [UInt8]) {
        // SAFETY: the span does not outlive the call, which holds the array.
        unsafe update(bytes.span.bytes)
    }

    private mutating func startSegment() {
        done = 0
        while segment < segments.count, segments[segment].isPadding {
            pieces?.updateZeros(segments[segment].length)
            segment += 1
        }
        guard hasV2, segment < segments.count else { return }
        runs.append(LeafRun(file: segments[segment].file, offset: segments[segment].offset))
    }

    /// The job's result; nil where fewer or more bytes came than it has, as of a file that changes while it is read.
    public consuming func finish() -> HashJobResult? {
        guard segment == segments.count, !isOverfed else { return nil }
        pieces?.close()
        return HashJobResult(index: index, v1Pieces: pieces?.hashes ?? [], runs: runs)
    }
}

/// What a job of a ``HashPlan`` found. Memory: 52 bytes a block and piece at most, and 16 KiB.
public struct HashJobResult: Sendable {
    let index: Int
    let v1Pieces: [UInt8]
    let runs: [LeafRun]
}
