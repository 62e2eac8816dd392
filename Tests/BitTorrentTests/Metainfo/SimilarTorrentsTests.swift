// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable import BitTorrent

@Suite("Hints at other torrents (BEP 38)")
struct SimilarTorrentsTests {
    private static let first = [UInt8](repeating: 1, count: 20)
    private static let second = [UInt8](repeating: 2, count: 20)
    private static let long = [UInt8](repeating: 3, count: 32)

    /// A torrent of one file with these entries inside and outside of the info dictionary.
    private static func torrent(
        inside: [String: BencodeValue] = [:],
        outside: [String: BencodeValue] = [:]
    ) throws -> Metainfo {
        var info: [String: BencodeValue] = [
            "length": 5, "name": "a", "piece length": 16_384, "pieces": .bytes([UInt8](repeating: 7, count: 20)),
        ]
        info.merge(inside) { $1 }
        return try Metainfo(
            torrentFile: BencodeValue.dictionary(outside.merging(["info": .dictionary(info)]) { $1 }).encoded
        )
    }

    @Test("Hints inside and outside of the info dictionary are merged, each once")
    func merged() throws {
        let torrent = try Self.torrent(
            inside: ["similar": [.bytes(Self.first)], "collections": ["season 1"]],
            outside: ["similar": [.bytes(Self.first), .bytes(Self.second)], "collections": ["season 1", "all"]]
        )
        #expect(torrent.similar.infoHashes == [Self.first, Self.second].compactMap { Digest160($0) })
        #expect(torrent.similar.collections == ["season 1", "all"])
        let again = try Metainfo(torrentFile: torrent.torrentFile)
        #expect(again.similar == torrent.similar && again.infoHashes == torrent.infoHashes)
    }

    @Test("What is no hash and no name is left out, and of too many the first count")
    func hostile() throws {
        let many = BencodeValue.list((0..<1000).map { .string("c\($0)") })
        let torrent = try Self.torrent(
            inside: ["similar": [.bytes(Self.long), 5, .bytes([1, 2]), []], "collections": 7],
            outside: ["similar": "x", "collections": many]
        )
        #expect(torrent.similar.infoHashes == [Digest160(Self.long.prefix(20))])
        #expect(torrent.similar.collections.count == TorrentSpecification.maximumSources)
        let name = String(repeating: "n", count: 1025)
        #expect(try Self.torrent(outside: ["collections": [.string(name)]]).similar.isEmpty)
    }

    @Test("Torrents are similar where one names the other, or both name a collection")
    func relation() throws {
        let plain = try Self.torrent()
        let hash = try #require(plain.infoHashes.v1)
        let naming = try Self.torrent(inside: ["similar": [.bytes(hash.bytes)]])
        #expect(naming.isSimilar(to: plain) && plain.isSimilar(to: naming))
        let one = try Self.torrent(inside: ["collections": ["x", "y"]])
        let other = try Self.torrent(outside: ["collections": ["y"]])
        #expect(one.isSimilar(to: other) && !one.isSimilar(to: plain) && !plain.isSimilar(to: plain))
    }
}
