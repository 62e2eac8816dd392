// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import TestSupport
import Wire

/// A torrent made in memory, and the bytes of its pieces.
struct SampleContent {
    let metainfo: Metainfo
    let files: [[UInt8]]

    init(_ kind: TorrentKind, sizes: [Int], pieceLength: Int = 32_768, seed: UInt64 = 7) throws {
        var random = SplitMix64(seed: seed)
        files = sizes.map { random.bytes($0) }
        let layout: HashPlan.V1Layout = kind == .v1 ? .contiguous : kind == .v2 ? .none : .padded
        guard
            let plan = HashPlan(
                lengths: sizes.map(Int64.init),
                pieceLength: pieceLength,
                v1: layout,
                hasV2: kind.hasV2
            )
        else { throw SampleError() }
        var assembler = HashAssembler(plan)
        for job in 0..<plan.jobCount {
            var runner = plan.runner(forJob: job)
            for segment in runner.segments where !segment.isPadding {
                runner.update(Array(files[segment.file][Int(segment.offset)...].prefix(segment.length)))
            }
            guard let result = runner.finish() else { throw SampleError() }
            assembler.add(result)
        }
        guard let hashes = assembler.finish() else { throw SampleError() }
        let entries = hashes.files.enumerated().map { index, hash in
            TorrentEntry(path: ["file\(100 + index)"], hashes: hash)
        }
        let builder = MetainfoBuilder(name: "sample", pieceLength: pieceLength, entries: entries)
        metainfo = try builder.build(kind, v1Pieces: hashes.v1Pieces)
    }

    struct SampleError: Error {}

    var content: TorrentContent? { TorrentContent(metainfo) }
    var pieceCount: Int { metainfo.pieceMap.pieceCount }

    /// The bytes of a piece, without padding at its end.
    func piece(_ index: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: metainfo.pieceMap.dataLength(of: PieceIndex(Int32(index))))
        // A hybrid's files are every other entry where padding stands between them.
        let real = metainfo.files.indices.filter { !metainfo.files[$0].isPadding }
        for segment in metainfo.pieceMap.segments(of: PieceIndex(Int32(index))) {
            guard let file = real.firstIndex(of: segment.file) else { continue }
            let part = files[file][Int(segment.offset)...].prefix(segment.length)
            bytes.replaceSubrange(segment.pieceOffset..<segment.pieceOffset + segment.length, with: part)
        }
        return bytes
    }
}
