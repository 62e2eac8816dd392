// SPDX-License-Identifier: Apache-2.0

/// Which bytes of which files make up each piece.
///
/// In v1 and hybrid torrents the files lie end to end, pad files among them, and a piece may span several. In v2 each
/// file starts a piece and its last piece is as short as the file. Memory: 24 bytes a file that is not empty.
public struct PieceMap: Sendable, Equatable {
    private struct Span: Equatable, Sendable {
        var start: Int64
        var length: Int64
        var file: Int32
        var isPadding: Bool

        var end: Int64 { start + length }
    }

    /// How files are laid out in the space of the pieces.
    public enum Alignment: Sendable {
        /// End to end: v1 and hybrid.
        case contiguous
        /// Each file on a piece boundary: v2.
        case perFile
    }

    let alignment: Alignment
    /// Bytes of every piece but the last (of the torrent, or in v2 of a file).
    public let pieceLength: Int
    /// Pieces of all files; below 2^31, as the peer wire counts them.
    public let pieceCount: Int
    /// Bytes of the files, padding not counted.
    public let contentLength: Int64
    /// The end of the last file in the space of the pieces.
    private let end: Int64
    /// The files that are not empty, by offset.
    private let spans: [Span]

    /// The map of files given by length, in the torrent's order.
    ///
    /// - Returns: nil where a length is negative or beyond the limits of ``TorrentSpecification``.
    public init?(lengths: [(length: Int64, isPadding: Bool)], pieceLength: Int, alignment: Alignment) {
        guard lengths.count <= TorrentSpecification.maximumFiles * 2,
            (1...TorrentSpecification.maximumPieceLength).contains(pieceLength)
        else { return nil }
        let step = Int64(pieceLength)
        var spans: [Span] = []
        var offset: Int64 = 0
        var content: Int64 = 0
        for (index, file) in lengths.enumerated() {
            guard (0...TorrentSpecification.maximumTotalLength).contains(file.length) else { return nil }
            if alignment == .perFile { offset = (offset + step - 1) / step * step }
            if file.length > 0 {
                spans.append(
                    Span(start: offset, length: file.length, file: Int32(index), isPadding: file.isPadding)
                )
            }
            offset += file.length
            if !file.isPadding { content += file.length }
            guard offset - content <= TorrentSpecification.maximumTotalLength + Int64(lengths.count) * step,
                content <= TorrentSpecification.maximumTotalLength
            else { return nil }
        }
        let pieces = (offset + step - 1) / step
        guard pieces <= Int64(Int32.max) else { return nil }
        self.alignment = alignment
        self.pieceLength = pieceLength
        pieceCount = Int(pieces)
        contentLength = content
        end = offset
        self.spans = spans
    }

    /// The map of `files`, whose own offsets are not looked at.
    public init?(files: [TorrentFile], pieceLength: Int, kind: TorrentKind) {
        self.init(
            lengths: files.map { ($0.length, $0.isPadding) },
            pieceLength: pieceLength,
            alignment: kind == .v2 ? .perFile : .contiguous
        )
    }

    /// The numbers of all pieces.
    public var indices: Range<Int> { 0..<pieceCount }

    /// The piece that a peer's number names; nil where the torrent has none such.
    public func index(_ number: some BinaryInteger) -> PieceIndex? {
        guard let raw = Int32(exactly: number), raw >= 0, raw < pieceCount else { return nil }
        return PieceIndex(raw)
    }

    // MARK: Lengths

    /// Bytes of the piece as it is asked for on the wire, trailing padding of a hybrid included.
    /// - Precondition: the piece is of this map.
    public func length(of piece: PieceIndex) -> Int {
        let start = start(of: piece)
        let limit = alignment == .contiguous ? end : spans[span(at: start)].end
        return Int(min(Int64(pieceLength), limit - start))
    }

    /// Bytes of the piece without padding at its end: what v2 hashes, and what there is to download.
    public func dataLength(of piece: PieceIndex) -> Int {
        segments(of: piece).last.map { $0.pieceOffset + $0.length } ?? 0
    }

    /// How many blocks of 16 KiB, the last perhaps shorter, hold the piece's data.
    public func blockCount(of piece: PieceIndex) -> Int {
        (dataLength(of: piece) + TorrentSpecification.blockLength - 1) / TorrentSpecification.blockLength
    }

    /// Bytes of block number `block` of the piece; 0 past the end.
    public func blockLength(_ block: Int, of piece: PieceIndex) -> Int {
        let begin = block * TorrentSpecification.blockLength
        return max(0, min(TorrentSpecification.blockLength, dataLength(of: piece) - begin))
    }

    // MARK: Pieces and files

    /// The parts of files that the piece consists of, in order, without padding.
    public func segments(of piece: PieceIndex) -> [FileSegment] {
        segments(of: piece, begin: 0, length: length(of: piece)).filter { !$0.isPadding }
    }

    /// The parts of files under a range of the piece, padding included; cut at the piece's end.
    public func segments(of piece: PieceIndex, begin: Int, length: Int) -> [FileSegment] {
        let size = self.length(of: piece)
        guard begin >= 0, length > 0, begin < size else { return [] }
        let origin = start(of: piece)
        let start = origin + Int64(begin)
        return segments(from: start, to: start + Int64(min(size - begin, length)), origin: origin)
    }

    /// The parts of files between two places in the space of the pieces, padding included; `pieceOffset` from `start`.
    func segments(from start: Int64, to limit: Int64) -> [FileSegment] {
        segments(from: start, to: limit, origin: start)
    }

    private func segments(from start: Int64, to limit: Int64, origin: Int64) -> [FileSegment] {
        var position = start
        var index = span(at: position)
        var segments: [FileSegment] = []
        while position < limit, index < spans.count {
            let span = spans[index]
            let count = min(span.end, limit) - position
            segments.append(
                FileSegment(
                    file: Int(span.file),
                    offset: position - span.start,
                    length: Int(count),
                    pieceOffset: Int(position - origin),
                    isPadding: span.isPadding
                )
            )
            position += count
            index += 1
        }
        return segments
    }

    /// The piece that holds byte `offset` of a file; nil where the file has no such byte.
    public func piece(file: Int, offset: Int64) -> PieceIndex? {
        guard let span = span(file: file), offset >= 0, offset < span.length else { return nil }
        return PieceIndex(Int32((span.start + offset) / Int64(pieceLength)))
    }

    /// The pieces that hold a byte of the file; empty for an empty file.
    public func pieces(file: Int) -> Range<Int> {
        guard let span = span(file: file) else { return 0..<0 }
        return Int(span.start / Int64(pieceLength))..<Int((span.end - 1) / Int64(pieceLength)) + 1
    }

    private func start(of piece: PieceIndex) -> Int64 {
        precondition(piece.raw >= 0 && piece.raw < pieceCount, "piece \(piece) is of another map")
        return Int64(piece.raw) * Int64(pieceLength)
    }

    /// The number of the span that holds `position`: the last that starts at or before it.
    private func span(at position: Int64) -> Int {
        let next = firstSpan { $0.start > position }
        return max(0, next - 1)
    }

    private func span(file: Int) -> Span? {
        let index = firstSpan { Int($0.file) >= file }
        guard index < spans.count, Int(spans[index].file) == file else { return nil }
        return spans[index]
    }

    private func firstSpan(where isAtOrPast: (Span) -> Bool) -> Int {
        var low = 0
        var high = spans.count
        while low < high {
            let middle = (low + high) / 2
            if isAtOrPast(spans[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
