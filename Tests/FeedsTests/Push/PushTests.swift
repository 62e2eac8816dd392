// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing
import Wire

@testable import Feeds

@Suite struct PushTests {
    private static let site = Digest256([UInt8](repeating: 0x11, count: 32)) ?? .zero
    private static let offer = PushOffer(site: site, seq: 1, bytes: 5)

    @Test("push.md §5: places and messages have these bytes")
    func vectors() throws {
        #expect(PushSpecification.place(0).hex == "2cb2e7c1a1dfbf3ddbd5c3df55f0db409cd21dd1")
        #expect(PushSpecification.place(31).hex == "f21065875185190aa103e6e3061553b694229762")
        let offered = Array("d1:ni5e1:qi1e1:s32:".utf8) + Self.site.bytes + Array("1:ti1ee".utf8)
        let known: [(PushMessage, [UInt8])] = [
            (.offer(Self.offer), offered), (.accepted, Array("d1:ti2ee".utf8)),
            (.refused(.busy), Array("d1:ci4e1:ti3ee".utf8)), (.progress(bytes: 7), Array("d1:ni7e1:ti4ee".utf8)),
            (.stored(seq: 1), Array("d1:qi1e1:ti5ee".utf8)),
        ]
        for (message, bytes) in known {
            #expect(message.encoded == bytes)
            #expect(try PushMessage.parse(bytes) == message)
        }
    }

    @Test("a type from later is passed over, a number out of range refuses the message, and hostile bytes never trap")
    func hostile() throws {
        #expect(try PushMessage.parse(Array("d1:ti9ee".utf8)) == nil)
        #expect(throws: SiteMessageError.self) { try PushMessage.parse(Array("d1:qi0e1:ti5ee".utf8)) }
        #expect(throws: SiteMessageError.self) { try PushMessage.parse(Array("d1:ni-1e1:ti4ee".utf8)) }
        #expect(throws: SiteMessageError.self) { try PushMessage.parse(Array("d1:ti1ee".utf8)) }
        for message in [PushMessage.offer(Self.offer), .refused(.failed), .progress(bytes: 9), .stored(seq: 3)] {
            let damaged =
                HostileInput.truncations(of: message.encoded)
                + HostileInput.mutations(of: message.encoded, count: 500, seed: 7)
            for bytes in damaged { _ = try? PushMessage.parse(bytes) }
        }
    }

    private static func keepers(_ count: Int) -> [Endpoint] {
        (0..<count).map { Endpoint(.v4(0x0A00_0000 + UInt32($0)), port: 1000) }
    }

    @Test("S0-20: keepers are picked at random: over many runs each is asked about as often (chi-square)")
    func uniform() {
        var random = SplitMix64(seed: 20)
        var counts: [Endpoint: Int] = [:]
        let (keepers, runs, wanted) = (Self.keepers(50), 2000, 20)
        for _ in 0..<runs {
            var round = PushRound(wanted: wanted)
            _ = round.found(keepers)
            for case .ask(let keeper) in round.begin(using: &random) { counts[keeper, default: 0] += 1 }
        }
        let expected = Double(runs * wanted) / Double(keepers.count)
        let chiSquare = keepers.reduce(0.0) { sum, keeper in
            let difference = Double(counts[keeper] ?? 0) - expected
            return sum + difference * difference / expected
        }
        // 49 degrees of freedom: above 85 once in a thousand times, and less for draws without replacement.
        #expect(chiSquare < 85)
    }

    @Test("who refuses is replaced, until enough hold it or nobody is left")
    func replaced() throws {
        var random = SplitMix64(seed: 1)
        var round = PushRound(wanted: 2)
        #expect(round.found(Self.keepers(4)) == [])
        var asked: [Endpoint] = []
        for case .ask(let keeper) in round.begin(using: &random) { asked.append(keeper) }
        #expect(asked.count == 2)
        let next = round.ended(asked[0], stored: false)
        #expect(next.count == 1 && round.refused == 1)
        #expect(round.ended(asked[1], stored: true) == [])
        guard case .ask(let third)? = next.first else { throw PushMissing() }
        #expect(round.ended(third, stored: true) == [.finish])
        #expect(round.isDone && round.stored == [asked[1], third] && round.known == 4)
        // Twice the same answer counts once.
        #expect(round.ended(third, stored: true) == [])

        var lonely = PushRound(wanted: 2)
        #expect(lonely.begin(using: &random) == [.finish])
        #expect(lonely.isDone && lonely.stored.isEmpty)
    }

    private struct PushMissing: Error {}

    @Test("a keeper takes in four at a time, one a publisher, and never more than there is room for")
    func rules() {
        var rules = KeeperRules()
        func offer(_ number: UInt8, _ bytes: Int64) -> PushOffer {
            PushOffer(site: Digest256([UInt8](repeating: number, count: 32)) ?? .zero, seq: 1, bytes: bytes)
        }
        func address(_ number: UInt32) -> IPAddress { .v4(number) }
        #expect(rules.refusal(of: offer(1, 26), from: address(1), used: 0, quota: 100) == .noRoom)
        #expect(rules.refusal(of: offer(1, 25), from: address(1), used: 80, quota: 100) == .noRoom)
        #expect(rules.refusal(of: offer(1, 25), from: address(1), used: 50, quota: 100) == nil)
        #expect(rules.refusal(of: offer(1, 5), from: address(2), used: 50, quota: 100) == .busy)
        #expect(rules.refusal(of: offer(2, 5), from: address(1), used: 50, quota: 100) == .busy)
        // What is on its way has its room already.
        #expect(rules.refusal(of: offer(2, 25), from: address(2), used: 51, quota: 100) == .noRoom)
        rules.ended(offer(1, 25), from: address(1))
        for number in 1...4 {
            #expect(
                rules.refusal(of: offer(UInt8(number), 1), from: address(UInt32(number)), used: 0, quota: 100) == nil
            )
        }
        #expect(rules.refusal(of: offer(5, 1), from: address(5), used: 0, quota: 100) == .busy)
    }
}
