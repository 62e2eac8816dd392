// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import TestSupport
import Testing
import Wire

@Suite("Metainfo")
struct MetainfoTests {
    private func v1(_ files: [BencodeValue], pieces: Int, pieceLength: Int64 = 16_384) -> [UInt8] {
        let info: BencodeValue = [
            "files": .list(files), "name": "n", "piece length": .integer(pieceLength),
            "pieces": .bytes(Array(repeating: 1, count: pieces * 20)),
        ]
        return info.encoded
    }

    private func v2(_ tree: BencodeValue, pieceLength: Int64 = 16_384, version: Int64 = 2) -> [UInt8] {
        let info: BencodeValue = [
            "file tree": tree, "meta version": .integer(version), "name": "n", "piece length": .integer(pieceLength),
        ]
        return info.encoded
    }

    private func leaf(_ length: Int64) -> BencodeValue {
        ["": ["length": .integer(length), "pieces root": .bytes(Array(repeating: 7, count: 32))]]
    }

    @Test("BEP 52: a newer version is refused as such before anything else is looked at")
    func newerVersion() {
        #expect(throws: MetainfoError.unsupportedVersion(3)) { try Metainfo(infoDictionary: self.v2("x", version: 3)) }
    }

    @Test("lengths that overflow or pass 16 TiB are refused with the limit")
    func lengths() {
        for length: Int64 in [.max, 1 << 44 + 1] {
            let list = v1([["length": .integer(length), "path": ["a"]]], pieces: 1)
            let tree = v2(["a": leaf(length), "b": leaf(length)])
            for info in [list, tree] {
                #expect(throws: MetainfoError.tooLong(limit: 1 << 44)) { try Metainfo(infoDictionary: info) }
            }
        }
    }

    @Test("paths deeper than 64 or longer than 1,024 bytes are refused")
    func paths() {
        let deep = BencodeValue.list(Array(repeating: "d", count: 65))
        #expect(throws: MetainfoError.pathTooDeep(limit: 64)) {
            try Metainfo(infoDictionary: self.v1([["length": 1, "path": deep]], pieces: 1))
        }
        let long = BencodeValue.list(Array(repeating: .string(String(repeating: "x", count: 255)), count: 5))
        #expect(throws: MetainfoError.pathTooLong(limit: 1024)) {
            try Metainfo(infoDictionary: self.v1([["length": 1, "path": long]], pieces: 1))
        }
        var tree = leaf(5)
        for _ in 0..<65 { tree = ["d": tree] }
        #expect(throws: MetainfoError.pathTooDeep(limit: 64)) { try Metainfo(infoDictionary: self.v2(tree)) }
    }

    @Test("BEP 52: a file has no siblings under its name, and every entry is a dictionary")
    func tree() {
        for tree: BencodeValue in [
            ["": ["length": 1]], ["a": ["": ["length": 1], "b": ["": ["length": 1]]]], ["a": 5], ["a": ["": []]], [],
        ] {
            #expect(throws: MetainfoError.invalidFileTree) { try Metainfo(infoDictionary: self.v2(tree)) }
        }
        #expect(throws: MetainfoError.noContent) { try Metainfo(infoDictionary: self.v2(["a": [:]])) }
    }

    @Test("BEP 52: v2 files start pieces, and one file alone is the torrent itself")
    func layout() throws {
        let several = try Metainfo(infoDictionary: v2(["a": leaf(20_000), "b": leaf(5), "c": ["": ["length": 0]]]))
        #expect(several.kind == .v2 && !several.isSingleFile)
        #expect(several.files.map(\.offset) == [0, 32_768, 32_773])
        #expect(several.pieceMap.pieceCount == 3)
        #expect(several.filesWithoutPieceLayer == [0])
        #expect(several.v2Hash(of: PieceIndex(2)) == several.files[1].piecesRoot)
        #expect(several.v2Hash(of: PieceIndex(0)) == nil)
        #expect(try Metainfo(infoDictionary: v2(["a": leaf(5)])).isSingleFile)
        #expect(try !Metainfo(infoDictionary: v2(["a": ["b": leaf(5)]])).isSingleFile)
    }

    @Test("a piece layer that came apart is taken only where it leads to the root")
    func mergeLayer() throws {
        let whole = try Metainfo(torrentFile: Vectors.load("bep52/v2_only.torrent"))
        var bare = try Metainfo(infoDictionary: whole.infoDictionary)
        let root = try #require(bare.files[0].piecesRoot)
        var layer = try #require(whole.pieceLayers[root])
        layer[40] ^= 1
        let isForgeryTaken = bare.addPieceLayer(layer, root: root)
        #expect(!isForgeryTaken)
        layer[40] ^= 1
        let isTaken = bare.addPieceLayer(layer, root: root)
        #expect(isTaken)
        #expect(bare.filesWithoutPieceLayer.isEmpty)
        #expect(bare.v2Hash(of: PieceIndex(3)) == whole.tree(file: 0)?.pieceHash(3))
    }

    @Test("truncated, flipped and damaged torrents give an error or a torrent, never a trap")
    func hostile() throws {
        let samples = [
            "torrents/libtorrent/symlink1.torrent", "torrents/libtorrent/empty-files-1.torrent",
            "torrents/libtorrent/v2_only.torrent", "bep52/v2_multipiece_file.torrent",
            "torrents/libtorrent/v2_symlinks.torrent", "torrents/transmission/bitcomet.utf-8.special.torrent",
            "torrents/libtorrent/url_seed_multi_space.torrent",
        ]
        var read = 0
        for (seed, sample) in samples.enumerated() {
            let bytes = try Vectors.load(sample)
            let damaged = HostileInput.mutations(of: bytes, count: 600, seed: UInt64(seed))
            for candidate in damaged + HostileInput.truncations(of: Array(bytes.prefix(500))) {
                guard let metainfo = try? Metainfo(torrentFile: candidate) else { continue }
                read += 1
                for number in metainfo.pieceMap.indices.prefix(20) {
                    let piece = PieceIndex(Int32(number))
                    _ = metainfo.pieceMap.segments(of: piece)
                    _ = metainfo.v1Hash(of: piece)
                    _ = metainfo.v2Hash(of: piece)
                }
                _ = try? PathSanitizer.sanitize(metainfo.files)
                _ = metainfo.tree(file: 0)
            }
        }
        #expect(read > 100)
    }

    @Test("bencoding of the right shape with hostile numbers and kinds never traps")
    func hostileShapes() {
        var random = SplitMix64(seed: 11)
        let numbers: [Int64] = [0, 1, -1, 16_384, 65_536, .max, .min, 1 << 44, 1 << 32, 20_000]
        func number() -> BencodeValue { .integer(numbers.randomElement(using: &random) ?? 0) }
        func any() -> BencodeValue {
            switch Int.random(in: 0..<6, using: &random) {
            case 0: .bytes(random.bytes(Int.random(in: 0...40, using: &random)))
            case 1: [number(), "x"]
            case 2: ["": number(), "length": number()]
            case 3: "lxp"
            case 4: ["a", "b"]
            default: number()
            }
        }
        func file() -> BencodeValue {
            ["attr": any(), "length": number(), "path": any(), "pieces root": any(), "symlink path": any()]
        }
        for _ in 0..<3000 {
            var info: [String: BencodeValue] = ["name": "n", "piece length": number()]
            if Bool.random(using: &random) { info["files"] = [file(), file()] } else { info["length"] = number() }
            if Bool.random(using: &random) { info["meta version"] = 2 }
            info["file tree"] = ["a": ["": file()], "b": Bool.random(using: &random) ? any() : ["": file()]]
            info["pieces"] = .bytes(random.bytes(20 * Int.random(in: 0...3, using: &random)))
            for key in info.keys where Int.random(in: 0..<12, using: &random) == 0 { info[key] = any() }
            _ = try? Metainfo(infoDictionary: BencodeValue.dictionary(info).encoded)
        }
    }
}
