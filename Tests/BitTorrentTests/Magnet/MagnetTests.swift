// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Keys
import TestSupport
import Testing
import Wire

private struct MagnetCases: Decodable {
    struct Observed: Decodable {
        var ok: Bool
        var v1: String?
        var v2: String?
        var name: String?
        var trackers: [String]?
        var url_seeds: [String]?
        var file_priorities: [Int]?
    }
    struct Case: Decodable, CustomTestStringConvertible {
        var uri: String
        var observed_libtorrent_2_1_1: Observed
        var testDescription: String { uri }
    }
    var cases: [Case]

    static func load() -> [Case] {
        (try? Vectors.json("torrents/magnet_cases.json", as: MagnetCases.self).cases) ?? []
    }
}

@Suite("Magnet links")
struct MagnetTests {
    @Test("each is read or refused as libtorrent 2.1.1 does", arguments: MagnetCases.load())
    fileprivate func vector(_ expected: MagnetCases.Case) throws {
        let observed = expected.observed_libtorrent_2_1_1
        guard observed.ok else {
            #expect(throws: MagnetError.self) { try Magnet(expected.uri) }
            return
        }
        let magnet = try Magnet(expected.uri)
        #expect(magnet.infoHashes.v1?.hex == observed.v1)
        #expect(magnet.infoHashes.v2?.hex == observed.v2)
        #expect(magnet.displayName ?? "" == observed.name)
        #expect(magnet.trackers == observed.trackers)
        #expect(magnet.webSeeds == observed.url_seeds)
        let wanted = (observed.file_priorities ?? []).enumerated().filter { $0.element > 0 }.map(\.offset)
        #expect((magnet.selectedFiles ?? []).flatMap { Array($0) } == wanted)
        #expect(try Magnet(magnet.description) == magnet)
    }

    @Test("BEP 9: peers and DHT nodes, broken ones left out")
    func hosts() throws {
        #expect(MagnetCases.load().count >= 15)
        let hash = String(repeating: "cd", count: 20)
        let magnet = try Magnet(
            "magnet:?xt=urn:btih:\(hash)&x.pe=127.0.0.1:43&x.pe=<invalid1>&x.pe=a.example:0&x.pe=[::1]:45&dht=r.example:6881"
        )
        #expect(magnet.peers.map(\.description) == ["127.0.0.1:43", "[::1]:45"])
        #expect(magnet.nodes.map(\.description) == ["r.example:6881"])
    }

    @Test(
        "a URL that grows beyond its bound when its bytes are escaped is left out, so that the link reads back the same"
    )
    func longURL() throws {
        let hash = String(repeating: "cd", count: 20)
        let long = String(repeating: "%FF", count: 1000)
        let magnet = try Magnet("magnet:?xt=urn:btih:\(hash)&tr=http://a.example/&tr=http://b.example/\(long)")
        #expect(magnet.trackers == ["http://a.example/"])
        #expect(try Magnet(magnet.description) == magnet)
    }

    @Test("S2-08, BEP 46: a publisher's key and its salt in hexadecimal")
    func publisher() throws {
        let key = "8543d3e6115f0f98c944077a4493dcd543e49c739fd998550a1f614ab36ed63e"
        let magnet = try Magnet("magnet:?xs=urn:btpk:\(key)&s=6e")
        #expect(magnet.publisher?.key.hex == key)
        #expect(magnet.publisher?.salt == [0x6E])
        #expect(magnet.infoHashes.isEmpty)
        #expect(magnet.description == "magnet:?xs=urn:btpk:\(key)&s=6e")
        #expect(throws: MagnetError.invalidSalt) { try Magnet("magnet:?xs=urn:btpk:\(key)&s=6") }
        #expect(throws: MagnetError.invalidInfoHash) { try Magnet("magnet:?xs=urn:btpk:abcd") }
    }

    @Test("S2-05, BEP 52: both hashes of a hybrid; escapes, numbered parameters and upper case are read")
    func forms() throws {
        let v2 = String(repeating: "ab", count: 32)
        let magnet = try Magnet(
            "MAGNET:?xt.1=urn:btih:MFRGCYTBMJQWEYLCMFRGCYTBMJQWEYLC&xt.2=URN:btmh:1220\(v2)&dn=a+b%20%26c&unknown=%zz&tr.1=udp://t.example:1"
        )
        #expect(magnet.infoHashes.v1?.hex == String(repeating: "6162", count: 10).prefix(40).description)
        #expect(magnet.infoHashes.v2?.hex == v2)
        #expect(magnet.displayName == "a b &c")
        #expect(magnet.trackers == ["udp://t.example:1"])
        #expect(throws: MagnetError.notMagnet) { try Magnet("http://example.com") }
        #expect(throws: MagnetError.missingInfoHash) { try Magnet("magnet:?xt=urn:sha1:abc") }
        #expect(throws: MagnetError.tooLong(limit: 65_536)) {
            try Magnet("magnet:?dn=" + String(repeating: "a", count: 70_000))
        }
    }

    @Test("damaged links give an error or a link that reads back the same, never a trap")
    func hostile() throws {
        for (seed, sample) in MagnetCases.load().enumerated() {
            for bytes in HostileInput.mutations(of: Array(sample.uri.utf8), count: 200, seed: UInt64(seed)) {
                let text = String(decoding: bytes, as: UTF8.self)
                guard let magnet = try? Magnet(text) else { continue }
                #expect(try Magnet(magnet.description) == magnet)
            }
        }
    }
}
