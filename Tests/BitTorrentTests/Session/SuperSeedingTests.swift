// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable import BitTorrent

@Suite("Super-seeding")
struct SuperSeedingTests {
    static func sample() throws -> SampleContent { try SampleContent(.v1, sizes: [1_000_000], pieceLength: 32_768) }

    static func shown(_ messages: [PeerMessage]) -> [Int] {
        messages.compactMap { message in
            if case .have(let piece) = message { return Int(piece) }
            return nil
        }
    }

    @Test("BEP 16: a peer is shown two pieces, gets no others, and the next when another announces one of them")
    func revealing() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: true) { $0.superSeeds = true }
        script.connect()
        script.say(.haveNone, .interested)
        let messages = script.heard().messages
        #expect(messages.contains(.haveNone) && !messages.contains(.haveAll))
        let first = Self.shown(messages)
        #expect(first.count == 2)
        let hidden = try #require((0..<script.sample.pieceCount).first { !first.contains($0) })
        let wanted = [
            BlockRange(piece: UInt32(first[0]), offset: 0, length: 16_384),
            BlockRange(piece: UInt32(hidden), offset: 0, length: 16_384),
        ]
        script.say(.request(wanted[0]), .request(wanted[1]))
        let (_, answers, blocks) = script.heard()
        #expect(blocks == [wanted[0]])
        #expect(answers.contains(.reject(wanted[1])))
        let other = try #require(script.take(slot: 2))
        script.say(.have(UInt32(first[0])))
        #expect(Self.shown(script.heard().messages).isEmpty, "it has it, but has not passed it on")
        script.peer.receive(PeerMessage.have(UInt32(first[0])).encoded, on: other)
        let next = Self.shown(script.heard().messages)
        #expect(next.count == 1 && !first.contains(next[0]))
    }

    @Test("BEP 16: two fetchers complete, and little more than one copy leaves the seed")
    func onceOnly() throws {
        let sample = try Self.sample()
        let seed = SimulatedPeer(1, sample, isSeed: true) { $0.superSeeds = true }
        let leechers = (2...5).map { SimulatedPeer($0, sample, isSeed: false) }
        let network = SimulatedNetwork([seed] + leechers)
        for (index, leecher) in leechers.enumerated() {
            leecher.update { $0.add(peers: [seed.address] + leechers.prefix(index).map(\.address), now: $1) }
        }
        #expect(network.run(20_000, step: .milliseconds(10)) { leechers.allSatisfy { $0.events.contains(.complete) } })
        let blocks = (1_000_000 + 16_383) / 16_384
        #expect(seed.blocksSent <= blocks * 3 / 2, "\(seed.blocksSent) of \(blocks)")
    }

    @Test("BEP 16: a single fetcher completes too")
    func alone() throws {
        let sample = try Self.sample()
        let seed = SimulatedPeer(1, sample, isSeed: true) { $0.superSeeds = true }
        let leecher = SimulatedPeer(2, sample, isSeed: false)
        let network = SimulatedNetwork([seed, leecher])
        leecher.update { $0.add(peers: [seed.address], now: $1) }
        #expect(network.run { leecher.events.contains(.complete) })
    }
}
