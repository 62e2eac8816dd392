// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Foundation
import TestSupport
import Testing
import Wire

private struct Made: Decodable {
    struct File: Decodable {
        var path: [String]
        var length: Int
        var executable: Bool
    }
    struct Torrent: Decodable {
        var file: String
        var kind: String
        var pieceLength: Int
        var v1: String?
        var v2: String?
    }
    var files: [File]
    var torrents: [Torrent]
}

@Suite("Making torrents")
struct MetainfoBuilderTests {
    private func sample(_ made: Made) -> SampleTree {
        SampleTree(
            files: made.files.enumerated().map { index, file in
                SampleTree.File(
                    path: file.path,
                    content: SampleTree.content(seed: UInt32(index + 1), count: file.length),
                    isExecutable: file.executable
                )
            }
        )
    }

    private func build(_ tree: SampleTree, _ kind: TorrentKind, _ pieceLength: Int) throws -> Metainfo {
        let layout = HashPlan.V1Layout(kind, isSingleFile: false)
        let plan = try #require(tree.plan(pieceLength, layout, hasV2: kind.hasV2))
        let hashes = try #require(tree.hashes(plan))
        return try tree.builder(hashes).build(kind, v1Pieces: hashes.v1Pieces)
    }

    @Test("the sample folder gives byte for byte the torrents that libtorrent 2.1.1 makes of it")
    func libtorrent() throws {
        let made: Made = try Vectors.json("torrents-made/made.json")
        #expect(made.torrents.count == 9)
        for expected in made.torrents where expected.file.hasPrefix("site") {
            let kind = try #require(TorrentKind(rawValue: expected.kind))
            let metainfo = try build(sample(made), kind, expected.pieceLength)
            #expect(metainfo.infoHashes.v1?.hex == expected.v1)
            #expect(metainfo.infoHashes.v2?.hex == expected.v2)
            #expect(metainfo.torrentFile == (try Vectors.load("torrents-made/" + expected.file)))
        }
    }

    @Test("a single file is the torrent itself, as libtorrent makes it")
    func single() throws {
        let made: Made = try Vectors.json("torrents-made/made.json")
        var tree = sample(made)
        tree.files = tree.files.filter { $0.path == ["run.sh"] }
        for expected in made.torrents where expected.file.hasPrefix("single") {
            let kind = try #require(TorrentKind(rawValue: expected.kind))
            let plan = try #require(tree.plan(16_384, HashPlan.V1Layout(kind, isSingleFile: true)))
            let hashes = try #require(tree.hashes(plan))
            var builder = tree.builder(hashes)
            builder.isSingleFile = true
            let metainfo = try builder.build(kind, v1Pieces: hashes.v1Pieces)
            #expect(metainfo.infoHashes.v1?.hex == expected.v1)
            #expect(metainfo.infoHashes.v2?.hex == expected.v2)
            #expect(metainfo.isSingleFile && metainfo.name == "run.sh")
        }
    }

    @Test("webtorrent's fixtures: the same infohash from the same content, and every piece of it verifies")
    func webtorrent() throws {
        func content(_ path: String) throws -> [UInt8] { try Vectors.load("torrents/webtorrent/content/" + path) }
        let numbers = [
            "big numbers/10.txt", "big numbers/11.txt", "big numbers/12.txt", "small numbers/1.txt",
            "small numbers/2.txt", "small numbers/3.txt",
        ]
        let trees: [(torrent: String, tree: SampleTree, single: Bool)] = [
            ("alice", SampleTree(files: [.init(path: ["alice.txt"], content: try content("alice.txt"))]), true),
            ("folder", SampleTree(files: [.init(path: ["file.txt"], content: try content("folder/file.txt"))]), false),
            (
                "lots-of-numbers",
                SampleTree(
                    files: try numbers.map {
                        .init(
                            path: $0.split(separator: "/").map(String.init),
                            content: try content("lots-of-numbers/" + $0)
                        )
                    }
                ), false
            ),
        ]
        for (name, tree, isSingle) in trees {
            let original = try Metainfo(torrentFile: Vectors.load("torrents/webtorrent/\(name).torrent"))
            let plan = try #require(tree.plan(original.pieceLength, .contiguous))
            let hashes = try #require(tree.hashes(plan))
            var builder = tree.builder(name: name, hashes)
            builder.isSingleFile = isSingle
            let built = try builder.build(.v1, v1Pieces: hashes.v1Pieces)
            #expect(built.v1Pieces == original.v1Pieces)
            // Other creators add keys of their own (`private` there), so only what both write is compared.
            #expect(built.files == original.files && built.name == original.name)
            try check(original, tree)
        }
    }

    private func check(_ metainfo: Metainfo, _ tree: SampleTree) throws {
        for number in metainfo.pieceMap.indices {
            let piece = PieceIndex(Int32(number))
            var data = tree.data(of: piece, in: metainfo)
            for isGood in [true, false] {
                if !isGood { data[data.count / 2] ^= 1 }
                var verifier = try #require(PieceVerifier(metainfo, piece: piece))
                verifier.update(data)
                #expect(verifier.finish() == isGood)
            }
            var short = try #require(PieceVerifier(metainfo, piece: piece))
            short.update(Array(data.dropLast()))
            #expect(!short.finish())
        }
    }

    @Test("v1, v2 and hybrid of one folder verify each piece, and nothing else")
    func verify() throws {
        let made: Made = try Vectors.json("torrents-made/made.json")
        for kind in TorrentKind.allCases {
            for pieceLength in [16_384, 65_536] {
                try check(try build(sample(made), kind, pieceLength), sample(made))
            }
        }
    }

    @Test("twins list the same files in the same order with the same piece length, v1 without padding")
    func twins() throws {
        let made: Made = try Vectors.json("torrents-made/made.json")
        let tree = sample(made)
        let plan = try #require(tree.plan(16_384, .contiguous))
        let hashes = try #require(tree.hashes(plan))
        let builder = tree.builder(hashes)
        let v1 = try builder.build(.v1, v1Pieces: hashes.v1Pieces)
        let v2 = try builder.build(.v2)
        #expect(v1.files.map(\.path) == v2.files.map(\.path))
        #expect(v1.files.map(\.length) == v2.files.map(\.length))
        #expect(v1.files.allSatisfy { !$0.isPadding } && v1.pieceLength == v2.pieceLength)
        #expect(v1.name == "site" && v2.name == "site")
    }

    @Test("order is by component in raw bytes; disorder, doubles and a file that is a folder are refused")
    func order() throws {
        let hashes = FileHashes(length: 1, root: Merkle.root(of: [1]))
        func build(_ paths: [[String]]) throws -> Metainfo {
            try MetainfoBuilder(
                name: "site",
                pieceLength: 16_384,
                entries: paths.map { TorrentEntry(path: $0, hashes: hashes) }
            ).build(.v2)
        }
        #expect(try build([["a", "x"], ["a-b"], ["b"], ["é"]]).files.count == 4)
        #expect(throws: BuildError.notInOrder(entry: 1)) { try build([["a-b"], ["a", "x"]]) }
        #expect(throws: BuildError.notInOrder(entry: 1)) { try build([["a"], ["a"]]) }
        #expect(throws: BuildError.fileIsFolder(entry: 0)) { try build([["a"], ["a", "x"]]) }
        #expect(throws: BuildError.invalidPath(entry: 0)) { try build([["a", ""]]) }
        #expect(throws: BuildError.unreadable(.noContent)) { try build([]) }
        // Equal by Unicode, different by bytes: two files.
        #expect(try build([["e\u{301}"], ["\u{E9}"]]).files.count == 2)
    }

    @Test("trackers, web seeds and privacy are written and read back")
    func sources() throws {
        var builder = MetainfoBuilder(
            name: "site",
            pieceLength: 16_384,
            entries: [TorrentEntry(path: ["a"], hashes: FileHashes(length: 1, root: Merkle.root(of: [1])))]
        )
        builder.isPrivate = true
        builder.sources.trackers = [["http://a/announce", "udp://b:1"], ["http://c/announce"]]
        builder.sources.webSeeds = ["http://d/"]
        builder.sources.httpSeeds = ["http://e/"]
        builder.sources.nodes = [TorrentSources.Host(name: "f", port: 1)]
        builder.sources.comment = "g"
        let metainfo = try builder.build(.v2)
        #expect(metainfo.isPrivate)
        #expect(try Metainfo(torrentFile: metainfo.torrentFile).sources == builder.sources)
    }
}
