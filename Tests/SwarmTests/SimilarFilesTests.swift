// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Foundation
import TestSupport
import Testing

@testable import Swarm

@Suite("Files of other torrents (BEP 38)")
struct SimilarFilesTests {
    /// What of `new` can be made of the files of `old`, which lie in its folder.
    private static func fill(
        _ new: SampleTorrent,
        from old: SampleTorrent
    ) throws -> (reused: Bitfield, storage: DirectoryStorage) {
        let content = try #require(TorrentContent(new.metainfo))
        let source = SimilarFiles.Source(old.metainfo, try DirectoryStorage(old.metainfo, at: old.folder.path))
        let storage = try DirectoryStorage(new.metainfo, at: new.folder.path)
        let all = (0..<content.pieceCount).map { PieceIndex(Int32($0)) }
        let reused = SimilarFiles(new.metainfo, content: content, sources: [source]).fill(
            all,
            into: storage,
            threads: 2
        )
        // What it says is there is there, by another way of looking.
        let right = PieceChecker.check(
            reused.indices.map { PieceIndex(Int32($0)) },
            of: content,
            in: storage,
            threads: 2
        )
        #expect(right == reused)
        return (reused, storage)
    }

    private static func remove(_ samples: SampleTorrent...) {
        for sample in samples { try? FileManager.default.removeItem(at: sample.folder) }
    }

    @Test(
        "Files in common are taken, whatever the kinds and the piece lengths of the two; the others are left to peers",
        arguments: TorrentKind.allCases,
        TorrentKind.allCases
    )
    func common(old: TorrentKind, new: TorrentKind) throws {
        let first = try SampleTorrent(kind: old, sizes: [100_000, 40_000, 70_000], pieceLength: 65_536)
        let second = try SampleTorrent(kind: new, sizes: [100_000, 40_000, 90_001], pieceLength: 16_384)
        defer { Self.remove(first, second) }
        try first.write()
        let (reused, _) = try Self.fill(second, from: first)
        let map = second.metainfo.pieceMap
        for raw in 0..<map.pieceCount {
            let isShared = map.segments(of: PieceIndex(Int32(raw))).allSatisfy { segment in
                second.metainfo.files[segment.file].length != 90_001 || segment.isPadding
            }
            #expect(reused[raw] == isShared, "piece \(raw)")
        }
        #expect(!reused.isEmpty && !reused.isFull)
    }

    @Test("What is not as its torrent says is not taken", arguments: TorrentKind.allCases)
    func changed(kind: TorrentKind) throws {
        let first = try SampleTorrent(kind: kind, sizes: [100_000, 40_000], pieceLength: 32_768)
        let second = try SampleTorrent(kind: kind, sizes: [100_000, 40_000], pieceLength: 16_384)
        defer { Self.remove(first, second) }
        try first.write()
        let url = first.folder.appending(path: "sample/\(first.files[0].path)")
        var bytes = first.files[0].bytes
        bytes[20_000] ^= 1
        try Data(bytes).write(to: url)
        let (reused, storage) = try Self.fill(second, from: first)
        #expect(reused.setCount == second.metainfo.pieceMap.pieceCount - 1 && !reused[1])
        try Data(bytes.prefix(1000)).write(to: url)
        try FileManager.default.removeItem(at: second.folder)
        _ = storage
        let (rest, _) = try Self.fill(second, from: first)
        #expect(!rest.isEmpty && !rest[0], "a file that is too short gives nothing")
    }

    @Test(
        "A piece of the same hash is taken where the file has changed in another place",
        arguments: TorrentKind.allCases
    )
    func pieces(kind: TorrentKind) throws {
        // The second torrent's only file is as long as no file of the first, and begins as its first one does.
        let first = try SampleTorrent(kind: kind, sizes: [100_000], pieceLength: 32_768)
        let second = try SampleTorrent(kind: kind, sizes: [100_001], pieceLength: 32_768)
        defer { Self.remove(first, second) }
        try first.write()
        let (reused, _) = try Self.fill(second, from: first)
        #expect(reused.indices == [0, 1, 2])
    }
}
