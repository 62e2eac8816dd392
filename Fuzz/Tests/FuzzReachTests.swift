// SPDX-License-Identifier: Apache-2.0
internal import Testing

@testable internal import BitTorrent
@testable internal import Feeds
@testable internal import Gateway
@testable internal import Kademlia
@testable internal import Keys
@testable internal import Transport
@testable internal import Wire

/// That the targets reach what they are there for: what stands behind a signature, a handshake or a bound.
///
/// A property that no input gets to holds for ever, and says nothing.
@Suite("Reach of the fuzz targets")
struct FuzzReachTests {
    private static func samples(_ name: String) throws -> [[UInt8]] {
        try #require(FuzzTarget.all.first { $0.name == name }).samples()
    }

    /// The sample with one bit of one byte changed, as a fuzzer begins.
    private static func changed(_ sample: [UInt8]) -> [[UInt8]] {
        sample.indices.map { place in
            var bytes = sample
            bytes[place] ^= 1
            return bytes
        }
    }

    @Test("a peer's record with a changed payload is read to its end, and refused for what it says")
    func peerRecords() throws {
        let intact = ZoneTrial.record(9, 5)
        let payload = try #require(KnownKeys.payload(of: intact.bytes))
        #expect(try Self.samples("peer-records").contains(payload))
        let read = Self.changed(payload).flatMap(FuzzTarget.peerRecords)
        #expect(read.contains { $0.life != intact.life })
        #expect(read.contains { $0.sequence != intact.sequence })
        #expect(read.contains { $0.expires != intact.expires })
        #expect(read.contains { $0.endpoints != intact.endpoints })
        #expect(Set(FuzzTarget.recordsBeyondBounds.map(\.field)) == ["seq", "life", "expires", "addrs"])
        for (field, payload) in FuzzTarget.recordsBeyondBounds {
            #expect(throws: RecordError.invalidField(field)) {
                try PeerRecord(reading: KnownKeys.signed(payload, type: PeerRecord.type))
            }
        }
    }

    @Test("a zone's node takes a record whose payload the input changed")
    func zoneRecords() throws {
        let life = try #require(ZoneTrial.changed("life", to: [24, 120]))
        #expect(try ZoneTrial.records(heldAfter: life).contains { $0.life == 120 })
        let sequence = try #require(ZoneTrial.changed("seq", to: [24, 200]))
        #expect(try ZoneTrial.records(heldAfter: sequence).contains { $0.sequence == 200 })
        for (field, value) in [("life", [0]), ("network", [0x41, 8]), ("expires", [0])] as [(String, [UInt8])] {
            let refused = try #require(ZoneTrial.changed(field, to: value))
            #expect(try !ZoneTrial.records(heldAfter: refused).contains { $0.issuer == KnownKeys.all[2].publicKey })
        }
    }

    @Test("an identity takes every kind of statement, and one that was changed")
    func statements() throws {
        let samples = try Self.samples("identities")
        func applied(_ payload: [UInt8]) throws -> IdentityStatement.Act? {
            let statement = KnownKeys.signed(payload, type: IdentityStatement.recordType)
            return try IdentityTrial.applied(statement)?.statement.act
        }
        #expect(try Set(samples.compactMap(applied)) == [.update, .rotate, .recover])
        let update = try #require(samples.first { try applied($0) == .update })
        #expect(try Self.changed(update).contains { try applied($0) == .update })
        let endorsement = try #require(samples.first { !IdentityTrial.endorsements($0).isEmpty })
        #expect(Self.changed(endorsement).contains { !IdentityTrial.endorsements($0).isEmpty })
    }

    @Test("a stored feed with changed entries is read, and key changes count")
    func feeds() throws {
        let intact = try #require(FuzzTarget.feed)
        let read = Self.changed(intact.encoded).flatMap(FuzzTarget.storedFeeds)
        #expect(read.contains { $0.state.newest?.release != intact.state.newest?.release })
        #expect(read.contains { $0.state.next != intact.state.next })
        #expect(KnownFeeds.all.map(\.head.epoch.rotations) == [0, 0, 0, 1, 0])
        #expect(KnownFeeds.all.map(\.head.epoch.recoveries) == [0, 0, 0, 0, 1])
        let merged = try Self.samples("feeds").flatMap(FuzzTarget.storedFeeds)
        #expect(Set(merged.flatMap(\.branches).map(\.kind)) == [.fork, .superseded])
    }

    @Test("a DHT node's state with a changed item is read")
    func states() throws {
        let state = try #require(try Self.samples("dht-state").first)
        let intact = FuzzTarget.dhtStates(state).flatMap(\.kept)
        let read = Self.changed(state).flatMap(FuzzTarget.dhtStates).flatMap(\.kept)
        #expect(
            read.contains { kept in
                guard case .mutable = kept.publication else { return false }
                return !intact.contains(kept)
            }
        )
    }

    @Test("decision 0026: the answers to what went with the handshake are used, whichever comes first")
    func earlyAnswers() throws {
        let answer: [UInt8] = [3, 0, 0]
        let feedFirst = try ExchangeTrial.outcome(of: [16] + answer + answer + answer + answer)
        #expect((feedFirst.adoptions, feedFirst.directories) == (1, 1))
        let frontFirst = try ExchangeTrial.outcome(of: [16, 3, 3, 0] + answer + answer + answer)
        #expect((frontFirst.adoptions, frontFirst.directories) == (1, 1))
        let unread = try ExchangeTrial.outcome(of: [16 + 32, 3, 3, 0] + answer + answer + answer)
        #expect((unread.adoptions, unread.directories) == (1, 1))
        // A command for the page that is under way is answered by it.
        let asked = try ExchangeTrial.outcome(of: [16] + answer + answer + answer + [2, 1] + answer)
        #expect(asked.deliveries.contains { if case .nodes(let nodes) = $0 { nodes.count == 2 } else { false } })
    }

    @Test("a session hears of newer, contradicting and superseding feeds")
    func peers() throws {
        var (adoptions, forks) = (0, 0)
        for sample in try Self.samples("site-exchange") {
            let outcome = try ExchangeTrial.outcome(of: sample)
            adoptions += outcome.adoptions
            forks += outcome.forks
        }
        #expect(adoptions >= 5 && forks >= 1)
    }

    @Test("samples go to the bounds and beyond them")
    func bounds() throws {
        let peers = try Self.samples("trackers-http").compactMap { try? HTTPTracker.parseAnnounce($0).peers.count }
        #expect(peers.count { $0 == TrackerSpecification.maximumPeers } == 2)
        let counts = try Self.samples("trackers-http").compactMap { try? HTTPTracker.parseScrape($0).count }
        #expect(counts.contains(TrackerSpecification.maximumScrape))
        let targets = try Self.samples("gateway-requests").map { String($0.text.prefix { $0 != "\n" }) }
        #expect(targets.contains { $0.utf8.count == RequestPath.longest + 1 })
        let paths = targets.compactMap { try? RequestPath(target: $0) }
        #expect(paths.contains { $0.encoded.utf8.count > RequestPath.longest })
        let failures = try Self.samples("http-replies").filter { $0[0] >= 128 }.map { sample in
            try HTTPTrial.trial(Array(sample.dropFirst()), portion: 9, isShort: true).failure
        }
        #expect(failures.suffix(2).map { $0 == .tooLarge } == [false, true])
        #expect(try Self.samples("site-messages").count { (try? SiteMessage.parse($0)) == nil } == 4)
        #expect(try Self.samples("feed-entries").count { (try? FeedEntry.parse($0)) == nil } == 2)
    }
}
