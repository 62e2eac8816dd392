// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import TestSupport
internal import Testing
internal import Wire

@Suite struct HTTPTrackerTests {
    private func hash(_ byte: UInt8) -> Digest160 { Digest160([UInt8](repeating: byte, count: 20)) ?? .zero }

    private func reply(_ text: String) throws -> AnnounceReply { try HTTPTracker.parseAnnounce(Array(text.utf8)) }

    @Test("BEP 3: the announce has every field, raw bytes percent-encoded, behind the tracker's own query")
    func announceURL() throws {
        let base = try #require(ServiceURL("http://t.example:8080/announce?passkey=abc"))
        var request = AnnounceRequest(
            hash: try #require(Digest160(hex: "123456789abcdef123456789abcdef123456789a")),
            peerID: try #require(Digest160("-RO0100-abcdefghi~\u{0}!".utf8)),
            port: 6881,
            key: 0xDEAD_BEEF
        )
        (request.uploaded, request.downloaded, request.left) = (1, 2, 3)
        request.event = .started
        request.trackerID = [0x20, 0x41]
        #expect(
            HTTPTracker.announceURL(base, request).description
                == "http://t.example:8080/announce?passkey=abc"
                + "&info_hash=%124Vx%9A%BC%DE%F1%23Eg%89%AB%CD%EF%124Vx%9A&peer_id=-RO0100-abcdefghi~%00%21"
                + "&port=6881&uploaded=1&downloaded=2&left=3&compact=1&key=deadbeef&numwant=100&supportcrypto=1"
                + "&event=started&trackerid=%20A"
        )
    }

    @Test(
        "BEP 48: the scrape address is the announce address with its last component changed",
        arguments: [
            ("http://e.com/announce", "http://e.com/scrape?info_hash=AAAAAAAAAAAAAAAAAAAA"),
            ("http://e.com/x/announce", "http://e.com/x/scrape?info_hash=AAAAAAAAAAAAAAAAAAAA"),
            ("http://e.com/announce.php?x=1", "http://e.com/scrape.php?x=1&info_hash=AAAAAAAAAAAAAAAAAAAA"),
            ("http://e.com/a", nil), ("http://e.com/announce/x", nil), ("udp://e.com:1/announce", nil),
        ] as [(String, String?)]
    )
    func scrapeURL(base: String, expected: String?) throws {
        #expect(HTTPTracker.scrapeURL(try #require(ServiceURL(base)), [hash(65)])?.description == expected)
    }

    @Test("BEP 23, BEP 7: compact peers of both families, and what else a reply holds")
    func compact() throws {
        let v6 = "\u{20}\u{01}" + String(repeating: "\u{0}", count: 13) + "\u{1}\u{1a}\u{2b}"
        let text =
            "d8:completei5e11:external ip4:\u{9}\u{9}\u{9}\u{9}10:incompletei7e8:intervali900e12:min intervali300e5:peers12:"
            + "\u{1}\u{2}\u{3}\u{4}\u{1a}\u{2b}\u{1}\u{2}\u{3}\u{5}\u{0}\u{0}6:peers618:\(v6)10:tracker id2:xy15:warning message2:hme"
        let reply = try reply(text)
        #expect(reply.peers.map(\.description) == ["1.2.3.4:6699", "[2001::1]:6699"], "port 0 is left out")
        #expect((reply.seeders, reply.leechers) == (5, 7))
        #expect((reply.interval, reply.minimumInterval) == (.seconds(900), .seconds(300)))
        #expect((reply.warning, reply.trackerID) == ("hm", Array("xy".utf8)))
        #expect(reply.externalAddress == IPAddress("9.9.9.9"))
    }

    @Test("BEP 3: peers as dictionaries; names instead of addresses, and entries of wrong kinds, are left out")
    func dictionaries() throws {
        let text =
            "d8:intervali1800e5:peersl"
            + "d2:ip9:127.0.0.17:peer id20:aaaaaaaaaaaaaaaaaaaa4:porti1ee" + "d2:ip3:::14:porti2ee"
            + "d2:ip9:localhost4:porti3ee" + "d2:ip7:1.2.3.44:porti65536ee" + "d2:ipi5e4:porti5ee" + "i7eee"
        #expect(try reply(text).peers.map(\.description) == ["127.0.0.1:1", "[::1]:2"])
    }

    @Test(
        "Intervals are kept between a minute and four hours, the minimum below the interval",
        arguments: [
            ("d8:intervali0e5:peers0:e", 60, nil), ("d8:intervali-5e5:peers0:e", 60, nil),
            ("d8:intervali9223372036854775807e12:min intervali9223372036854775807ee", 14_400, 14_400),
            ("d8:intervali100e12:min intervali500ee", 100, 100), ("d5:peers0:e", 1800, nil),
        ] as [(String, Int, Int?)]
    )
    func intervals(text: String, interval: Int, minimum: Int?) throws {
        let reply = try reply(text)
        #expect(reply.interval == .seconds(interval))
        #expect(reply.minimumInterval == minimum.map { .seconds($0) })
    }

    @Test(
        "A failure says why, and BEP 31 when to come again",
        arguments: [
            ("d14:failure reason4:nopee", TrackerError.refused("nope", retry: nil)),
            ("d14:failure reason4:nope8:retry ini5ee", .refused("nope", retry: .after(.seconds(300)))),
            ("d14:failure reason4:nope8:retry in1:5e", .refused("nope", retry: .after(.seconds(300)))),
            ("d14:failure reason4:nope8:retry in5:nevere", .refused("nope", retry: .never)),
            ("d14:failure reason4:nope8:retry ini99999999999ee", .refused("nope", retry: .after(.seconds(14_400)))),
            ("d14:failure reasoni1ee", .refused("", retry: nil)),
            ("d14:failure reason3:a\u{1b}be", .refused("a\u{FFFD}b", retry: nil)),
        ]
    )
    func failure(text: String, error: TrackerError) {
        #expect(throws: error) { try reply(text) }
    }

    @Test(
        "What is no reply is malformed",
        arguments: [
            "", "d", "de", "le", "i1e", "<html>", "d8:intervale", "d4:spami1ee", "d5:peers99999999999999999999:e",
        ]
    )
    func malformed(text: String) {
        #expect(throws: TrackerError.malformed) { try reply(text) }
    }

    @Test("Replies are cut at a thousand peers, and those that are too large or too deep are refused")
    func bounds() throws {
        let many = Array("d5:peers30000:".utf8) + [UInt8](repeating: 1, count: 30_000) + Array("e".utf8)
        #expect(try HTTPTracker.parseAnnounce(many).peers.count == TrackerSpecification.maximumPeers)
        let huge = Array("d5:peers600000:".utf8) + [UInt8](repeating: 1, count: 600_000) + Array("e".utf8)
        #expect(throws: TrackerError.malformed) { try HTTPTracker.parseAnnounce(huge) }
        let deep = "d5:peers" + String(repeating: "l", count: 1000) + String(repeating: "e", count: 1000) + "e"
        #expect(throws: TrackerError.malformed) { try reply(deep) }
    }

    @Test("BEP 48, BEP 21: a scrape names its torrents")
    func scrape() throws {
        let text =
            "d5:filesd20:AAAAAAAAAAAAAAAAAAAAd8:completei11e10:downloadedi13772e11:downloadersi4e10:incompletei19ee"
            + "20:BBBBBBBBBBBBBBBBBBBBd8:completei-1ee5:shortdeee"
        let counts = try HTTPTracker.parseScrape(Array(text.utf8))
        #expect(counts[hash(65)] == ScrapeCount(seeders: 11, leechers: 19, completed: 13_772, downloaders: 4))
        #expect(counts[hash(66)] == ScrapeCount(seeders: 0, leechers: 0, completed: 0))
        #expect(counts.count == 2)
        #expect(throws: TrackerError.malformed) { try HTTPTracker.parseScrape(Array("d5:filesle e".utf8)) }
    }

    @Test("Damaged replies never trap", arguments: [1, 2, 3] as [UInt64])
    func hostile(seed: UInt64) {
        let samples = [
            "d8:completei5e8:intervali900e5:peers12:abcdefghijkl6:peers618:aaaaaaaaaaaaaaaaaa10:tracker id2:xye",
            "d8:intervali1800e5:peersld2:ip9:127.0.0.14:porti1eed2:ip3:::14:porti2eeee",
            "d14:failure reason4:nope8:retry in5:nevere", "d5:filesd20:AAAAAAAAAAAAAAAAAAAAd8:completei11eeee",
        ]
        for sample in samples {
            for bytes in HostileInput.mutations(of: Array(sample.utf8), count: 1000, seed: seed) {
                if let reply = try? HTTPTracker.parseAnnounce(bytes) {
                    #expect(reply.peers.count <= TrackerSpecification.maximumPeers)
                    #expect(TrackerSpecification.intervals.contains(reply.interval))
                }
                _ = try? HTTPTracker.parseScrape(bytes)
            }
        }
    }
}
