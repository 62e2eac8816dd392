// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Feeds
import TestSupport
import Testing

@testable import Kademlia
@testable import Simulator

/// Issue 4, attack table: small worlds, so that each defence is seen to carry its weight; `roost-sim attacks` has the figures.
@Suite struct AttackTests {
    private var options: ScenarioOptions {
        var options = ScenarioOptions(origin: .now)
        options.nodes = 40
        return options
    }

    private func lost(isRich: Bool = false, without: [DHTDefence]) async -> Int {
        await onOwnThread { [options] in
            var options = options
            options.without = Set(without.map { $0.rawValue })
            let course = isRich ? RichEclipse(options) : KeyAttack(options)
            #expect(Scenarios.run(course, options).violations.isEmpty)
            #expect(course.lost.all == 32)
            return course.lost.basisPoints
        }
    }

    @Test("ids of the attacker's choice around a key hide it only where ids are not bound to addresses")
    func sybil() async {
        #expect(await lost(without: []) <= 100)
        #expect(await lost(without: [.boundIDs]) >= 5000)
    }

    @Test("confederates whose ids fit catch searches that go one way, and none that goes three")
    func eclipse() async {
        let guarded = await lost(isRich: true, without: [])
        #expect(await guarded < lost(isRich: true, without: [.disjointPaths]))
    }

    @Test("floods, forged announces, forged and old items: each is held by its defence")
    func answers() {
        func attacks(_ without: DHTDefence...) -> AnswerAttacks { AnswerAttacks(options, without: Set(without)) }
        #expect(attacks().flood(2000).basisPoints < 1500 && attacks(.rateLimits).flood(2000).basisPoints == 10_000)
        #expect(attacks().amplification(2000).basisPoints < 10_000)
        #expect(attacks(.rateLimits, .replyLimits).amplification(2000).basisPoints > 50_000)
        #expect(attacks().forgedAnnounces().good == 0 && attacks(.tokens).forgedAnnounces().good == 1000)
        #expect(attacks().forgedItems().good == 0 && attacks(.signatures).forgedItems().good == 20)
        #expect(attacks().oldItems().good == 0 && attacks(.sequence).oldItems().good == 10)
    }

    @Test("invented nodes of one network get few queries of a search, and those of many fewer than without defences")
    func poisonedLists() {
        func wasted(_ place: AnswerAttacks.Invention, _ without: DHTDefence...) -> Int {
            AnswerAttacks(options, without: Set(without)).poisonedLists(place).basisPoints
        }
        #expect(wasted(.oneNetwork) * 2 < wasted(.oneNetwork, .prefixDiversity, .boundIDs, .answerLimits))
        #expect(wasted(.oneNetwork) < wasted(.oneNetwork, .prefixDiversity))
        #expect(wasted(.everywhere) < wasted(.everywhere, .boundIDs, .answerLimits))
    }

    @Test("a forger's heads are refused by their signature or by whose they are, and taken without both")
    func heads() {
        func taken(_ without: FeedDefence...) -> Int {
            var attack = HeadAttack(options, without: Set(without))
            return attack.run().good
        }
        #expect(taken() == 0)
        #expect(taken(.headSignatures) == 100)
        #expect(taken(.writers) == 100)
        #expect(taken(.headSignatures, .writers) == 200)
    }

    @Test("BEP 11: one peer that names a thousand addresses has a hundred dialled, and one port of a host")
    func exchange() {
        #expect(PeerExchangeTrial.portsOfVictim(isBounded: true).dialled == 1)
        #expect(PeerExchangeTrial.portsOfVictim(isBounded: false).dialled == 1000)
        #expect(PeerExchangeTrial.hosts(isBounded: true).dialled == 100)
    }
}
