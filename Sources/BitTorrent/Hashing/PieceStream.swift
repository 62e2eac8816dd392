// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

/// The v1 hashes of successive pieces, from their bytes in order (BEP 3).
struct PieceStream: Sendable {
    private static let zeros = [UInt8](repeating: 0, count: 65_536)

    private let pieceLength: Int
    private var stream = SHA1Stream()
    private var fill = 0
    /// 20 bytes a piece.
    private(set) var hashes: [UInt8] = []

    init(pieceLength: Int) {
        self.pieceLength = pieceLength
    }

    mutating func update(_ bytes: RawSpan) {
        var offset = 0
        while offset < bytes.byteCount {
            let end = min(offset + pieceLength - fill, bytes.byteCount)
            take(bytes.extracting(offset..<end))
            offset = end
        }
    }

    mutating func updateZeros(_ count: Int) {
        var left = count
        while left > 0 {
            let part = min(left, Self.zeros.count)
            // SAFETY: the span does not outlive the call, and the array is never let go.
            unsafe update(Self.zeros.span.bytes.extracting(0..<part))
            left -= part
        }
    }

    private mutating func take(_ bytes: RawSpan) {
        if fill == 0, bytes.byteCount == pieceLength {
            hashes.append(Hash.sha1(bytes))
            return
        }
        stream.update(bytes)
        fill += bytes.byteCount
        if fill == pieceLength { close() }
    }

    /// Ends a piece that is shorter than the others: the last of the torrent.
    mutating func close() {
        guard fill > 0 else { return }
        hashes.append(stream.finish())
        stream = SHA1Stream()
        fill = 0
    }
}
