// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing
import Wire

@testable import BitTorrent

@Suite("Sessions with many sources")
struct ManySourcesTests {
    /// How long one reader takes with that many seeds, each of which sends `portion` bytes at most in a step.
    private static func time(seeds: Int, _ sample: SampleContent) throws -> Duration {
        let seeders = (1...seeds).map { SimulatedPeer(UInt32($0), sample, isSeed: true) }
        let reader = SimulatedPeer(100, sample, isSeed: false)
        let network = SimulatedNetwork(seeders + [reader])
        network.portion = 4096
        reader.update { $0.add(peers: seeders.map(\.address), now: $1) }
        #expect(network.run(20_000) { reader.events.contains(.complete) })
        #expect(TorrentSessionTests.isComplete(reader, sample))
        #expect(seeders.allSatisfy { $0.mostReadsAtOnce > 1 }, "several requests at once to each")
        return network.now
    }

    @Test(
        "S0-16: many blocks are asked for at once, of each peer and across them: ten slow peers take a fifth of one's time"
    )
    func together() throws {
        let sample = try SampleContent(.v2, sizes: [6_000_000], pieceLength: 65_536)
        let alone = try Self.time(seeds: 1, sample)
        let together = try Self.time(seeds: 10, sample)
        #expect(together * 5 <= alone, "\(together) with ten, \(alone) with one")
    }

    @Test(
        "S0-14: parts that come in any order, more than once, and from peers that share none give the original",
        arguments: TorrentKind.allCases,
        [1, 2, 3]
    )
    func disjoint(kind: TorrentKind, seed: UInt64) throws {
        let sample = try SampleContent(kind, sizes: TorrentSessionTests.sizes + [700_000])
        var random = SplitMix64(seed: seed)
        var pieces = Array(0..<sample.pieceCount)
        pieces.shuffle(using: &random)
        // Three that share nothing; a fourth has all that the first has, so that the last blocks are asked of both.
        let thirds = (0..<3).map { third in Set(pieces.indices.filter { $0 % 3 == third }.map { pieces[$0] }) }
        let holders = (thirds + [thirds[0]]).enumerated().map { number, part in
            SimulatedPeer(UInt32(number + 1), sample, isSeed: false, holding: part)
        }
        let reader = SimulatedPeer(9, sample, isSeed: false)
        let network = SimulatedNetwork(holders + [reader], seed: seed)
        network.portion = 3000
        reader.update { $0.add(peers: holders.map(\.address), now: $1) }
        #expect(network.run(20_000) { reader.events.contains(.complete) })
        #expect(TorrentSessionTests.isComplete(reader, sample))
        #expect(reader.order != reader.order.sorted(), "in no particular order")
        let blocks = (0..<sample.pieceCount).reduce(0) { $0 + (sample.piece($1).count + 16_383) / 16_384 }
        #expect(holders.reduce(0) { $0 + $1.blocksSent } > blocks, "some were sent twice")
        #expect(holders.prefix(3).allSatisfy { $0.blocksSent > 0 })
        #expect(reader.closings.isEmpty, "a block that comes twice is no offence")
    }

    @Test("S0-01: more peers than dials at once: no wake is due until a dial ends, and the end of one begins the next")
    func moreThanDials() throws {
        let sample = try SampleContent(.v1, sizes: [100_000])
        let reader = SimulatedPeer(1, sample, isSeed: false) { $0.maximumDials = 3 }
        let peers = (2...9).map { Endpoint(.v4(0x0A00_0000 + $0), port: 6881) }
        reader.update { $0.add(peers: peers, now: $1) }
        #expect(reader.dials.count == 3)
        reader.work()
        #expect(try #require(reader.wake) > reader.now, "an event loop that is woken at once for ever reads no socket")
        reader.update { $0.connected(reader.dials[0].0, now: $1) }
        #expect(reader.dials.count == 4)
        reader.update { $0.closed(reader.dials[1].0, now: $1) }
        #expect(reader.dials.count == 5)
        #expect(Set(reader.dials.map(\.1)) == Set(peers.prefix(5)))
    }

    @Test("A banned address that is known with another port asks for no wake")
    func bannedNeighbour() {
        var book = PeerBook()
        let ports = [1000, 2000].map { Endpoint(.v4(0x0808_0808), port: $0) }
        for endpoint in ports { book.add(endpoint, source: .dht, now: .zero) }
        book.ban(ports[0], now: .zero)
        #expect(book.takeDue(now: .zero) == nil)
        #expect(book.nextAttempt() == nil)
    }
}
