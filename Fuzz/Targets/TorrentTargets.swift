// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

@testable internal import BitTorrent

extension FuzzTarget {
    static let torrents: [FuzzTarget] = [
        FuzzTarget(
            "metainfo",
            maximumLength: 8192,
            vectors: ["torrents", "torrents-made", "bep52"],
            samples: torrentSamples,
            run: metainfo
        ),
        FuzzTarget(
            "magnets",
            maximumLength: 1024,
            vectors: ["torrents", "bep46"],
            samples: magnetSamples,
            run: magnets
        ),
        FuzzTarget("names", maximumLength: 1024, samples: nameSamples, run: names),
        FuzzTarget("hash-trees", maximumLength: 1024, samples: { [[UInt8](0...200)] }, run: hashTrees),
    ]

    /// Small torrents of each kind, as .torrent files.
    static let samples: [Metainfo] = TorrentKind.allCases.compactMap { kind in
        let lengths = [40_000, 0, 70_001]
        let plan = HashPlan(
            lengths: lengths.map(Int64.init),
            pieceLength: 32_768,
            v1: kind == .v1 ? .contiguous : kind == .v2 ? .none : .padded,
            hasV2: kind.hasV2
        )
        guard let plan else { return nil }
        var assembler = HashAssembler(plan)
        for job in 0..<plan.jobCount {
            var runner = plan.runner(forJob: job)
            for segment in runner.segments where !segment.isPadding {
                runner.update([UInt8](repeating: UInt8(segment.file), count: segment.length))
            }
            if let result = runner.finish() { assembler.add(result) }
        }
        guard let hashes = assembler.finish() else { return nil }
        let entries = hashes.files.enumerated().map { TorrentEntry(path: ["folder", "file \($0)"], hashes: $1) }
        var builder = MetainfoBuilder(name: "sample", pieceLength: 32_768, entries: entries)
        builder.sources.trackers = [["http://tracker.example/announce"], ["udp://tracker.example:6969"]]
        builder.sources.webSeeds = ["https://seed.example/files/"]
        builder.sources.nodes = [TorrentSources.Host(name: "router.example", port: 6881)]
        return try? builder.build(kind, v1Pieces: hashes.v1Pieces)
    }

    private static func torrentSamples() -> [[UInt8]] {
        samples.map(\.torrentFile) + samples.map(\.infoDictionary)
    }

    @Sendable private static func metainfo(_ bytes: [UInt8]) throws {
        if let torrent = try? Metainfo(torrentFile: bytes) { try sound(torrent) }
        guard let torrent = try? Metainfo(infoDictionary: bytes) else { return }
        try sound(torrent)
        try hold(torrent.infoDictionary == bytes, "an info dictionary is kept as it came")
    }

    private static func sound(_ torrent: Metainfo) throws {
        guard let again = try? Metainfo(infoDictionary: torrent.infoDictionary) else {
            throw Broken(description: "the info dictionary of a torrent is read by itself")
        }
        try hold(again.infoHashes == torrent.infoHashes && again.files == torrent.files, "it is the same torrent again")
        try hold(again.pieceMap == torrent.pieceMap, "its pieces are the same again")
        try layout(torrent)
        _ = (try? PathSanitizer.sanitize(torrent.files), torrent.filesWithoutPieceLayer)
        for file in torrent.files.indices.prefix(8) { _ = torrent.tree(file: file) }
        if let content = TorrentContent(torrent) {
            try hold(content.pieceCount == torrent.pieceMap.pieceCount, "a session counts the same pieces")
            for piece in edges(content.pieceCount) { _ = content.check(of: piece) }
        }
        for kind in [WebSeedKind.files, .pieces] {
            guard let base = ServiceURL("http://seed.example/a/") else { continue }
            _ = WebSeedLayout(kind, base: base, metainfo: torrent)
        }
    }

    /// The first and the last pieces: a torrent may state millions.
    private static func edges(_ count: Int) -> [Int] { Array(0..<min(4, count)) + Array(max(0, count - 4)..<count) }

    private static func layout(_ torrent: Metainfo) throws {
        let map = torrent.pieceMap
        for number in edges(map.pieceCount) {
            guard let piece = map.index(number) else { throw Broken(description: "piece \(number) has an index") }
            try hold(
                map.length(of: piece) > 0 && map.length(of: piece) <= map.pieceLength,
                "a piece has 1 to \(map.pieceLength) bytes"
            )
            let segments = map.segments(of: piece)
            try hold(segments.reduce(0) { $0 + $1.length } <= map.length(of: piece), "segments fit into their piece")
            for segment in segments {
                let file = torrent.files[segment.file]
                try hold(
                    segment.offset >= 0 && segment.offset + Int64(segment.length) <= file.length,
                    "a segment lies in its file"
                )
            }
            let blocks = (0..<map.blockCount(of: piece)).suffix(2).map { map.blockLength($0, of: piece) }
            try hold(blocks.allSatisfy { $0 > 0 && $0 <= 16_384 }, "a block has 1 to 16,384 bytes")
            _ = (torrent.v1Hash(of: piece), torrent.v2Hash(of: piece))
        }
    }

    private static func magnetSamples() -> [[UInt8]] {
        var magnet = Magnet(infoHashes: samples[0].infoHashes, displayName: "a name & more")
        magnet.trackers = ["http://tracker.example/announce"]
        magnet.peers = [TorrentSources.Host(name: "2001:db8::1", port: 6881)]
        magnet.selectedFiles = [0...2, 5...5]
        var mutable = Magnet(publisher: Magnet.Publisher(key: signer.publicKey, salt: [1, 2]))
        mutable.displayName = "of a key"
        return [magnet, mutable].map { Array($0.description.utf8) }
    }

    @Sendable private static func magnets(_ bytes: [UInt8]) throws {
        let text = bytes.text
        guard let magnet = try? Magnet(text) else { return }
        try hold(Magnet.isMagnet(text), "what is read as a magnet is known for one")
        let written = magnet.description
        guard written.utf8.count <= Magnet.maximumBytes else { return }
        guard let again = try? Magnet(written) else {
            throw Broken(description: "a magnet is read as it was written: \(written)")
        }
        try hold(again == magnet, "a magnet survives being written: \(written)")
    }

    private static func nameSamples() -> [[UInt8]] {
        ["a\0b.txt\0c", "..\0.", "con.txt\0CON\0nul", "e\u{301}\0\u{e9}", "x \0x.\0x", "\u{202E}gpj.exe", "A/b\0a\\B"]
            .map { Array($0.utf8) } + [[0xFF, 0xFE, 0x00, 0x41]]
    }

    /// The names of one folder, between zero bytes; a slash begins a folder, so the same names meet as both.
    @Sendable private static func names(_ bytes: [UInt8]) throws {
        let names = bytes.split(separator: 0, omittingEmptySubsequences: false).prefix(32).map { Array($0).text }
        var sanitizer = PathSanitizer()
        var seen = Set<[String]>()
        for name in names {
            let path = name.split(separator: "\u{1}", omittingEmptySubsequences: false).map(String.init)
            guard let safe = try? sanitizer.add(path) else { continue }
            try hold(safe.components.count == path.count, "no component is lost or made: \(path)")
            for component in safe.components { try sound(component) }
            try hold(
                seen.insert(safe.components.map { $0.lowercased() }).inserted,
                "two files have two places: \(safe.components)"
            )
        }
        for name in names {
            let once = PathSanitizer.sanitize(name: name).name
            try sound(once)
            try hold(
                PathSanitizer.sanitize(name: once).name.utf8.elementsEqual(once.utf8),
                "a safe name stays: \(once)"
            )
        }
    }

    private static func sound(_ name: String) throws {
        try hold(!name.isEmpty && name != "." && name != "..", "a name is one of a file or folder: \(name)")
        try hold(name.utf8.count <= 255, "a name fits the file system")
        try hold(
            !name.utf8.contains { $0 == 0 || $0 == UInt8(ascii: "/") || $0 < 0x20 },
            "a name is one component: \(name)"
        )
    }

    /// BEP 52: what a tree hands out another accepts; what was changed it does not.
    @Sendable private static func hashTrees(_ bytes: [UInt8]) throws {
        var input = FuzzInput(bytes)
        let request = HashRequest(
            piecesRoot: samples[1].files.compactMap(\.piecesRoot).first ?? .zero,
            baseLayer: Int(input.byte()),
            index: Int(input.word()),
            length: Int(input.word()),
            proofLayers: Int(input.byte())
        )
        guard var content = TorrentContent(samples[1]) else { return }
        let hashes = (0..<min(64, max(0, request.answerCount & 63))).map { _ in Digest256(input.take(32)) ?? .zero }
        _ = content.accept(hashes, for: request)
        for piece in 0..<content.pieceCount { _ = content.check(of: piece) }
    }
}
