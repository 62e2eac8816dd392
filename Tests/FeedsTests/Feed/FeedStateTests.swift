// SPDX-License-Identifier: Apache-2.0
import Feeds
import Keys
import TestSupport
import Testing
import Wire

@Suite struct FeedStateTests {
    @Test("every entry reads back as it was written, and its encoding is deterministic CBOR")
    func roundTrip() throws {
        let fixture = try FeedFixture(releases: 1)
        let position = fixture.log.position
        let entries: [FeedEntry] = [
            .release(FeedFixture.release(7)), .withdraw(Withdrawal(seq: 1, reason: "wrong file", time: 5)),
            .rotate(Rotation(position: position, next: .zero, signer: fixture.nextKey)),
            .recover(
                Recovery(
                    position: position,
                    key: fixture.laterKey.publicKey,
                    next: .zero,
                    recovery: .zero,
                    stolen: [1, 2],
                    time: 9,
                    signer: fixture.recoveryKey
                )
            ),
            .admit(key: fixture.laterKey.publicKey), .remove(key: fixture.laterKey.publicKey, size: 4),
            .endorse([1, 2, 3]),
        ]
        for entry in entries {
            let bytes = try #require(entry.encoded)
            #expect(try FeedEntry.parse(bytes) == entry)
            #expect(try CBOR.decode(bytes).encoded == bytes)
        }
    }

    @Test("endorsements have no effect on releases; the last eight are kept with the key that wrote the log then")
    func endorsements() throws {
        var fixture = try FeedFixture(releases: 1)
        for number in 0..<9 as Range<UInt8> { try fixture.append(.endorse([number])) }
        try fixture.append(.rotate(Rotation(position: fixture.log.position, next: .zero, signer: fixture.nextKey)))
        try fixture.append(.endorse([9]))
        let state = fixture.log.state
        #expect(state.endorsements.map(\.proof) == (2...9).map { [$0] })
        #expect(state.endorsements.first?.writer == fixture.siteKey.publicKey)
        #expect(state.endorsements.first?.index == 4)
        #expect(state.endorsements.last?.writer == fixture.nextKey.publicKey)
        #expect(state.releases.count == 1 && state.ignored.isEmpty)
        let tooLong = FeedEntry.endorse([UInt8](repeating: 0, count: FeedSpecification.entryBytes))
        #expect(tooLong.encoded == nil)
        #expect(throws: FeedError.missing(field: "proof")) {
            try FeedEntry.parse(CBOR.map(["type": "endorse"]).encoded)
        }
    }

    @Test("S0-22: releases count by rising numbers; a withdrawn one stays in the history and is not newest")
    func releases() throws {
        var fixture = try FeedFixture(releases: 3)
        try fixture.append(.release(FeedFixture.release(3, label: "again")))
        try fixture.append(.withdraw(Withdrawal(seq: 3, time: 1)))
        try fixture.append(.withdraw(Withdrawal(seq: 9, time: 1)))
        let state = fixture.log.state
        #expect(state.releases.map(\.release.seq) == [1, 2, 3])
        #expect(state.newest?.release.seq == 2)
        #expect(state.release(seq: 3)?.withdrawal != nil)
        #expect(state.release(label: "1.0.2")?.release.seq == 2)
        #expect(state.nextSeq == 4)
        #expect(state.ignored.map(\.index) == [4, 6])
    }

    @Test("feeds.md §4: a release with pieces of more than 16 MiB does not count: a reader would keep one in memory")
    func longPieces() throws {
        var fixture = try FeedFixture(releases: 1)
        for length in [32 << 20, 1 << 30, 16 << 20] {
            var release = FeedFixture.release(Int64(fixture.log.state.releases.count) + 1)
            release.pieceLength = length
            try fixture.append(.release(release))
        }
        #expect(fixture.log.state.ignored.count == 2)
        #expect(fixture.log.state.newest?.release.pieceLength == 16 << 20)
    }

    @Test("feeds.md §4: trackers and web seeds are hints: what is malformed is left out, and the release counts")
    func sources() throws {
        var release = FeedFixture.release(2)
        release.trackers = ["udp://t.example:1/announce"]
        release.webSeeds = ["https://w.example/"]
        let entry = FeedEntry.release(release)
        let bytes = try #require(entry.encoded)
        #expect(try FeedEntry.parse(bytes) == entry)
        var fields = try #require(try CBOR.decode(bytes).map)
        #expect(fields["trackers"]?.array?.count == 1 && fields["webseeds"]?.array?.count == 1)
        // Neither a list, nor of text, nor printable, nor short, nor few.
        let long = CBOR.text("https://w.example/" + String(repeating: "x", count: 600))
        let many = Array(repeating: CBOR.text("http://t.example/"), count: 40)
        fields["trackers"] = .text("udp://t.example:1")
        fields["webseeds"] = .array([.integer(4), .text("http://a\nb"), long] + many)
        guard case .release(let read) = try FeedEntry.parse(CBOR.map(fields).encoded) else {
            Issue.record("no release")
            return
        }
        #expect(read.seq == 2 && read.trackers.isEmpty)
        #expect(read.webSeeds == Array(repeating: "http://t.example/", count: 13))
    }

    @Test("an entry of a type or with a field from later is kept and passed on; a critical one stops the reading")
    func laterVersions() throws {
        var fixture = try FeedFixture(releases: 1)
        let unknown: CBOR = ["type": "poll", "question": "?"]
        #expect(try FeedEntry.parse(unknown.encoded) == .unknown(type: "poll"))
        try fixture.log.append(unknown.encoded)
        try fixture.append(.release(FeedFixture.release(2)))
        #expect(fixture.log.entries[2] == unknown.encoded)
        #expect(fixture.log.state.newest?.release.seq == 2)
        try fixture.log.append((["type": "poll", "crit": ["question"], "question": "?"] as CBOR).encoded)
        try fixture.append(.release(FeedFixture.release(3)))
        #expect(fixture.log.state.blockedAt == 4)
        #expect(fixture.log.state.newest?.release.seq == 2)
        #expect(fixture.log.size == 6)
    }

    @Test("rotate hands over to the committed key only, at its own place only")
    func rotation() throws {
        var fixture = try FeedFixture(releases: 2)
        let good = Rotation(
            position: fixture.log.position,
            next: fixture.laterKey.publicKey.identifier,
            signer: fixture.nextKey
        )
        try fixture.append(.rotate(Rotation(position: fixture.log.position, next: .zero, signer: fixture.laterKey)))
        #expect(fixture.log.state.writer == fixture.siteKey.publicKey)
        // The entry above moved the log on: what was signed for the old place does not count.
        try fixture.append(.rotate(good))
        #expect(fixture.log.state.writer == fixture.siteKey.publicKey)
        #expect(fixture.log.state.ignored.count == 2)
        let now = Rotation(
            position: fixture.log.position,
            next: fixture.laterKey.publicKey.identifier,
            signer: fixture.nextKey
        )
        try fixture.append(.rotate(now))
        #expect(fixture.log.state.writer == fixture.nextKey.publicKey)
        #expect(fixture.log.state.epoch == FeedEpoch(rotations: 1))
        #expect(fixture.log.head(time: 0, signer: fixture.siteKey) == nil)
        #expect(fixture.log.head(time: 0, signer: fixture.nextKey) != nil)
    }

    @Test("S4-62: a feed begins with a root record whose key gives the site id")
    func rootRecord() throws {
        let fixture = try FeedFixture(releases: 1)
        #expect(throws: FeedError.wrongRoot) { try SiteLog(site: .zero, entries: fixture.log.entries) }
        #expect(throws: FeedError.wrongRoot) {
            try SiteLog(site: fixture.site, entries: Array(fixture.log.entries.dropFirst()))
        }
        #expect(throws: FeedError.tooLarge(limit: 65_536)) {
            var log = fixture.log
            try log.append([UInt8](repeating: 0, count: 65_537))
        }
    }

    @Test("damaged entries, heads and stored feeds give an error or a value, never a trap")
    func hostileBytes() throws {
        var fixture = try FeedFixture(releases: 2)
        try fixture.append(.withdraw(Withdrawal(seq: 1, reason: "r", time: 5)))
        let recovered = try fixture.recovered(to: 2, key: fixture.laterKey, stolen: try fixture.head())
        for (seed, entry) in (fixture.log.entries + recovered.log.entries.suffix(1)).enumerated() {
            for bytes in HostileInput.mutations(of: entry, count: 800, seed: UInt64(seed)) {
                var log = fixture.log
                try? log.append(bytes)
                #expect(log.state.writer == fixture.siteKey.publicKey)
            }
            for bytes in HostileInput.truncations(of: entry) {
                #expect(throws: FeedError.self) { try FeedEntry.parse(bytes) }
            }
        }
        let head = try fixture.head().bytes
        for bytes in HostileInput.mutations(of: head, count: 1500, seed: 7) where bytes != head {
            #expect(SignedHead(bytes) == nil)
        }
        let stored = try fixture.feed().encoded
        for bytes in HostileInput.mutations(of: stored, count: 1500, seed: 8) where bytes != stored {
            #expect(throws: FeedError.self) { try SiteFeed(encoded: bytes, site: fixture.site) }
        }
    }
}
