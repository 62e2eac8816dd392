// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Testing

@Suite("Piece map")
struct PieceMapTests {
    private func map(_ lengths: [Int64], pieceLength: Int, _ alignment: PieceMap.Alignment) throws -> PieceMap {
        try #require(
            PieceMap(lengths: lengths.map { ($0, false) }, pieceLength: pieceLength, alignment: alignment)
        )
    }

    @Test("BEP 3: files lie end to end and a piece spans them")
    func contiguous() throws {
        let map = try map([5, 0, 7, 3], pieceLength: 8, .contiguous)
        #expect(map.pieceCount == 2)
        #expect(map.length(of: PieceIndex(1)) == 7)
        #expect(
            map.segments(of: PieceIndex(0)) == [
                FileSegment(file: 0, offset: 0, length: 5),
                FileSegment(file: 2, offset: 0, length: 3, pieceOffset: 5),
            ]
        )
        #expect(
            map.segments(of: PieceIndex(1)) == [
                FileSegment(file: 2, offset: 3, length: 4),
                FileSegment(file: 3, offset: 0, length: 3, pieceOffset: 4),
            ]
        )
        #expect(map.piece(file: 2, offset: 3) == PieceIndex(1))
        #expect(map.piece(file: 2, offset: 7) == nil)
        #expect(map.piece(file: 1, offset: 0) == nil)
        #expect(map.pieces(file: 2) == 0..<2)
    }

    @Test("S3-094: a message is cut into chunks of a size that can be set: 9 MiB are 4 + 4 + 1 MiB")
    func chunks() throws {
        for alignment in [PieceMap.Alignment.contiguous, .perFile] {
            let map = try map([9 << 20], pieceLength: 4 << 20, alignment)
            #expect((0..<map.pieceCount).map { map.length(of: PieceIndex(Int32($0))) } == [4 << 20, 4 << 20, 1 << 20])
            #expect(try self.map([9 << 20], pieceLength: 1 << 20, alignment).pieceCount == 9)
        }
    }

    @Test("BEP 52: each file starts a piece and its last piece ends with it")
    func perFile() throws {
        let map = try map([0, 5, 0, 17, 0], pieceLength: 8, .perFile)
        #expect(map.pieceCount == 4)
        #expect((0..<4).map { map.length(of: PieceIndex(Int32($0))) } == [5, 8, 8, 1])
        #expect(map.segments(of: PieceIndex(3)) == [FileSegment(file: 3, offset: 16, length: 1)])
        #expect(map.pieces(file: 3) == 1..<4)
        #expect(map.pieces(file: 4).isEmpty)
    }

    @Test("BEP 47: padding counts in the piece but is neither data nor stored")
    func padding() throws {
        let map = try #require(
            PieceMap(lengths: [(5, false), (3, true), (9, false)], pieceLength: 8, alignment: .contiguous)
        )
        #expect(map.contentLength == 14)
        #expect(map.length(of: PieceIndex(0)) == 8)
        #expect(map.dataLength(of: PieceIndex(0)) == 5)
        #expect(map.segments(of: PieceIndex(0)) == [FileSegment(file: 0, offset: 0, length: 5)])
        let asked = map.segments(of: PieceIndex(0), begin: 4, length: 100)
        #expect(asked.map(\.length) == [1, 3])
        #expect(asked.last?.isPadding == true)
    }

    @Test("a piece's blocks are 16 KiB but for the last")
    func blocks() throws {
        let map = try map([40_000], pieceLength: 32_768, .perFile)
        #expect(map.blockCount(of: PieceIndex(0)) == 2)
        #expect(map.blockCount(of: PieceIndex(1)) == 1)
        #expect(map.blockLength(0, of: PieceIndex(1)) == 7232)
        #expect(map.blockLength(1, of: PieceIndex(1)) == 0)
    }

    @Test("every byte is in exactly one piece, whatever the lengths")
    func covers() throws {
        for seed in 0..<200 {
            let lengths = (0..<(seed % 13)).map { Int64(($0 &* 7919 &+ seed &* 104_729) % 50) }
            for alignment in [PieceMap.Alignment.contiguous, .perFile] {
                let map = try map(lengths, pieceLength: 1 + seed % 17, alignment)
                var seen = lengths.map { _ in Int64(0) }
                for piece in map.indices {
                    let segments = map.segments(of: PieceIndex(Int32(piece)))
                    #expect(segments.reduce(0) { $0 + $1.length } == map.length(of: PieceIndex(Int32(piece))))
                    for segment in segments {
                        #expect(segment.offset == seen[segment.file])
                        #expect(map.piece(file: segment.file, offset: segment.offset)?.raw == Int32(piece))
                        seen[segment.file] += Int64(segment.length)
                    }
                }
                #expect(seen == lengths)
            }
        }
    }

    @Test("lengths beyond the limits are refused, never a trap")
    func limits() {
        let hostile: [[Int64]] = [
            [-1], [Int64.max], [Int64.max, Int64.max], [1 << 44, 1], Array(repeating: 1 << 43, count: 3), [Int64.min],
        ]
        for lengths in hostile {
            for alignment in [PieceMap.Alignment.contiguous, .perFile] {
                let files = lengths.map { (length: $0, isPadding: false) }
                #expect(PieceMap(lengths: files, pieceLength: 16_384, alignment: alignment) == nil)
            }
        }
        #expect(PieceMap(lengths: [(1 << 44, false)], pieceLength: 1, alignment: .contiguous) == nil)
        #expect(PieceMap(lengths: [(1 << 44, false)], pieceLength: 1 << 14, alignment: .contiguous) != nil)
        #expect(PieceMap(lengths: [(1, false)], pieceLength: 0, alignment: .perFile) == nil)
        #expect(PieceMap(lengths: [(1, false)], pieceLength: .max, alignment: .perFile) == nil)
    }

    @Test("a peer's piece number is an index only where the torrent has it")
    func index() throws {
        let map = try map([100], pieceLength: 10, .contiguous)
        #expect(map.index(9) == PieceIndex(9))
        #expect(map.index(10) == nil)
        #expect(map.index(UInt32.max) == nil)
        #expect(map.index(-1) == nil)
    }
}

@Suite("Piece length")
struct PieceLengthTests {
    @Test(
        "the smallest power of two that gives at most 2,048 pieces, 16 KiB to 16 MiB",
        arguments: [
            (0, 1 << 14), (1 << 25, 1 << 14), (1 << 25 + 1, 1 << 15), (1 << 30, 1 << 19), (1 << 34, 1 << 23),
            (1 << 34 + 1, 1 << 24), (1 << 44, 1 << 24), (Int64.max, 1 << 24),
        ] as [(Int64, Int)]
    )
    func automatic(total: Int64, expected: Int) {
        #expect(PieceLength.automatic(totalSize: total) == expected)
    }
}
