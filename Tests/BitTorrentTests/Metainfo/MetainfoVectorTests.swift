// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import TestSupport
import Testing
import Wire

private struct Expectations: Decodable {
    struct Observed: Decodable {
        struct File: Decodable {
            var path: String
            var size: Int64
            var pad: Bool?
        }
        var loads: Bool
        var name: String?
        var num_pieces: Int?
        var piece_length: Int?
        var total_size: Int64?
        var `private`: Bool?
        var v1: String?
        var v2: String?
        var files: [File]?
    }
    struct Torrent: Decodable, CustomTestStringConvertible {
        var file: String
        var observed_libtorrent_2_1_1: Observed
        var testDescription: String { file }
    }
    var torrents: [Torrent]

    static func load() -> [Torrent] {
        (try? Vectors.json("torrents/expectations.json", as: Expectations.self).torrents) ?? []
    }
}

private struct BEP52Expectations: Decodable {
    struct Valid: Decodable {
        var info_hash_v2: String
        var info_hash_v1: String?
        var piece_length: Int
        var piece_layers_verified: Int
    }
    var valid: [String: Valid]
    var invalid: [String: String]
}

@Suite("Torrents of other programs")
struct MetainfoVectorTests {
    /// libtorrent takes the first of two equal keys; we refuse duplicates in any bencoding, because programs differ in
    /// which of the two they believe.
    private static let refusedHereOnly: Set<String> = ["transmission/dup-pieces-key.torrent"]

    @Test(
        "each is read or refused as libtorrent 2.1.1 does, with the same hashes and files",
        arguments: Expectations.load()
    )
    fileprivate func torrent(_ expected: Expectations.Torrent) throws {
        let bytes = try Vectors.load("torrents/" + expected.file)
        let observed = expected.observed_libtorrent_2_1_1
        guard observed.loads, !Self.refusedHereOnly.contains(expected.file) else {
            #expect(throws: MetainfoError.self) { try Metainfo(torrentFile: bytes) }
            return
        }
        let metainfo = try Metainfo(torrentFile: bytes)
        #expect(metainfo.infoHashes.v1?.hex == observed.v1)
        #expect(metainfo.infoHashes.v2?.hex == observed.v2)
        #expect(metainfo.pieceLength == observed.piece_length)
        #expect(metainfo.pieceMap.pieceCount == observed.num_pieces)
        #expect(metainfo.isPrivate == observed.private)
        // libtorrent 2.1 shows the alignment of v2 files as pad files, and lists large torrents only in part.
        if let files = observed.files {
            let kept = files.filter { $0.pad != true }.map(\.size)
            #expect(metainfo.files.filter { !$0.isPadding }.map(\.length).prefix(kept.count) == kept[...])
        }
        #expect(metainfo.filesWithoutPieceLayer.isEmpty)
        _ = try PathSanitizer.sanitize(metainfo.files)
        let bare = try Metainfo(infoDictionary: metainfo.infoDictionary)
        #expect(bare.infoHashes == metainfo.infoHashes)
        #expect(bare.files == metainfo.files)
    }

    @Test("there are vectors")
    func present() { #expect(Expectations.load().count >= 60) }

    @Test("BEP 52: hashes over the raw info dictionary, piece layers checked against their roots")
    func bep52() throws {
        let expected: BEP52Expectations = try Vectors.json("bep52/expected.json")
        for (file, valid) in expected.valid {
            let metainfo = try Metainfo(torrentFile: Vectors.load("bep52/" + file))
            #expect(metainfo.infoHashes.v2?.hex == valid.info_hash_v2)
            #expect(metainfo.infoHashes.v1?.hex == valid.info_hash_v1)
            #expect(metainfo.pieceLength == valid.piece_length)
            #expect(metainfo.pieceLayers.count == valid.piece_layers_verified)
        }
        for (file, reason) in expected.invalid {
            let error = try #require(throws: MetainfoError.self, "\(file)") {
                try Metainfo(torrentFile: Vectors.load("bep52/" + file))
            }
            switch (reason, error) {
            case ("torrent_invalid_piece_layer", .invalidPieceLayer), ("invalid_bencoding", .notBencoded),
                ("invalid_bencoding", .invalidFileTree), ("torrent_inconsistent_files", .inconsistentHybrid),
                ("torrent_missing_piece_length", .invalidPieceLength), ("depth_exceeded", .notBencoded(.tooDeep)),
                ("depth_exceeded", .pathTooDeep):
                break
            default: Issue.record("\(file) should be refused as \(reason), not \(error)")
            }
        }
    }

    @Test(
        "each refusal is for the vector's own reason",
        arguments: [
            ("libtorrent/invalid_info", .missingInfo),
            ("libtorrent/invalid_piece_len", .invalidPieceLength),
            ("libtorrent/negative_file_size", .invalidFile(0)), ("libtorrent/no_files", .noContent),
            ("libtorrent/many_pieces", .wrongPieceCount(expected: 107_374_183, found: 1)),
            ("libtorrent/unaligned_pieces", .missingPieces),
            ("libtorrent/v2_empty_filename", .notBencoded(.trailingBytes(offset: 280))),
            ("libtorrent/v2_zero_root", .missingPiecesRoot(file: 0)), ("libtorrent/zero2", .noContent),
            ("libtorrent/v2_piece_size", .invalidPieceLength),
            ("libtorrent/v2_non_multiple_piece_layer", .invalidPieceLayer),
            ("libtorrent/v2_invalid_root_hash", .invalidPieceLayer),
            ("libtorrent/v2_mismatching_metadata", .inconsistentHybrid),
            ("transmission/bad-pieces-key", .missingPieces), ("webtorrent/corrupt", .missingName),
        ] as [(String, MetainfoError)]
    )
    func reasons(file: String, error: MetainfoError) throws {
        let bytes = try Vectors.load("torrents/\(file).torrent")
        #expect(throws: error) { try Metainfo(torrentFile: bytes) }
    }

    @Test("BEP 12, 17, 19, 5: trackers, web seeds and nodes")
    func sources() throws {
        func sources(_ file: String) throws -> TorrentSources {
            try Metainfo(torrentFile: Vectors.load("torrents/\(file).torrent")).sources
        }
        #expect(try sources("libtorrent/url_seed_multi").webSeeds == ["http://test.com/file/"])
        let spaced = "http://test.com/test%20file/foo%20bar/"
        #expect(try sources("libtorrent/url_seed_multi_space").webSeeds == [spaced])
        #expect(try sources("libtorrent/url_seed_multi_space_nolist").webSeeds == [spaced])
        #expect(try sources("libtorrent/httpseed").httpSeeds == ["http://foobar.com/"])
        #expect(
            try sources("libtorrent/dht_nodes").nodes == [
                TorrentSources.Host(name: "127.0.0.1", port: 6881),
                TorrentSources.Host(name: "192.168.1.1", port: 6881),
            ]
        )
        #expect(
            try sources("transmission/bitcomet.utf-8.special").trackers == [["http://fake.example.com:7070/announce"]]
        )
        #expect(try sources("anacrolix/trackerless").trackers.isEmpty)
        #expect(try sources("transmission/webseed-getright-string").webSeeds.count == 1)
    }

    @Test("names in UTF-8 beside legacy ones are preferred, and broken ones repaired")
    func names() throws {
        let chinese = try Metainfo(torrentFile: Vectors.load("torrents/transmission/bitcomet.utf-8.special.torrent"))
        #expect(chinese.name == "modified test-utf8")
        #expect(chinese.files.map(\.path) == [["別の世界f1.txt"], ["別の世界f2.txt"]])
        let broken = try Metainfo(torrentFile: Vectors.load("torrents/transmission/bad-utf8-path.torrent"))
        #expect(try PathSanitizer.sanitize(broken.files).last??.components == ["file_.foo"])
    }

    @Test("BEP 47: padding needs no path, links have no length, attributes are read")
    func attributes() throws {
        let padded = try Metainfo(torrentFile: Vectors.load("torrents/libtorrent/pad_file_no_path.torrent"))
        #expect(padded.files[1].isPadding && padded.files[1].path == [".pad", "2124"])
        for file in ["symlink1", "symlink_zero_size"] {
            let link = try Metainfo(torrentFile: Vectors.load("torrents/libtorrent/\(file).torrent"))
            #expect(link.files[1].symlinkTarget == ["a", "b", "bar"])
            #expect(link.files[1].length == 0)
        }
        let links = try Metainfo(torrentFile: Vectors.load("torrents/libtorrent/v2_symlinks.torrent"))
        #expect(links.files[0].symlinkTarget == ["Versions", "Current", "Headers"])
        #expect(links.files[0].isExecutable)
    }
}
