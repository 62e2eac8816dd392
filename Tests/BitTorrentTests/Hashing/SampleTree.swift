// SPDX-License-Identifier: Apache-2.0
import BitTorrent

/// Content in memory, and the driver's part of a hashing plan: reading and feeding.
struct SampleTree {
    struct File {
        var path: [String]
        var content: [UInt8]
        var isExecutable = false
    }

    var files: [File]

    /// The bytes of file `seed` in `torrents-made/made.json`.
    static func content(seed: UInt32, count: Int) -> [UInt8] {
        var state = seed
        return (0..<count).map { _ in
            state = (state &* 1_103_515_245 &+ 12_345) & 0x7FFF_FFFF
            return UInt8(truncatingIfNeeded: state >> 16)
        }
    }

    /// Runs each job of the plan, in the order given, feeding parts of `chunk` bytes.
    func hashes(_ plan: HashPlan, order: [Int]? = nil, chunk: Int = 10_000) -> TreeHashes? {
        var assembler = HashAssembler(plan)
        for job in order ?? Array(0..<plan.jobCount) {
            var runner = plan.runner(forJob: job)
            for segment in runner.segments where !segment.isPadding {
                let start = Int(segment.offset)
                var bytes = files[segment.file].content[start..<start + segment.length]
                while !bytes.isEmpty {
                    runner.update(Array(bytes.prefix(chunk)))
                    bytes = bytes.dropFirst(chunk)
                }
            }
            guard let result = runner.finish() else { return nil }
            assembler.add(result)
        }
        return assembler.finish()
    }

    func plan(_ pieceLength: Int, _ v1: HashPlan.V1Layout, hasV2: Bool = true, jobLength: Int = 8 << 20) -> HashPlan? {
        HashPlan(
            lengths: files.map { Int64($0.content.count) },
            pieceLength: pieceLength,
            v1: v1,
            hasV2: hasV2,
            jobLength: jobLength
        )
    }

    func builder(name: String = "site", _ hashes: TreeHashes) -> MetainfoBuilder {
        let entries = zip(files, hashes.files).map {
            TorrentEntry(path: $0.path, isExecutable: $0.isExecutable, hashes: $1)
        }
        return MetainfoBuilder(name: name, pieceLength: hashes.pieceLength, entries: entries)
    }

    /// The data of a piece, padding left out.
    func data(of piece: PieceIndex, in metainfo: Metainfo) -> [UInt8] {
        let content = files.map(\.content)
        let kept = metainfo.files.indices.filter { !metainfo.files[$0].isPadding }
        return metainfo.pieceMap.segments(of: piece).flatMap { segment -> [UInt8] in
            guard let file = kept.firstIndex(of: segment.file) else { return [] }
            return Array(content[file][Int(segment.offset)..<Int(segment.offset) + segment.length])
        }
    }
}
