// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Feeds
internal import Kademlia

/// What attackers reach with each of our defences and without it.
public enum AttackTable {
    /// One attack under one choice of defences.
    public struct Line: Sendable {
        /// Its name.
        public var attack: String
        /// Defences that were switched off.
        public var without: [String]
        /// What is counted as the attacker's success.
        public var measure: String
        /// How often he had it: good, all and per cent.
        public var success: String
        /// What must hold under attack too, and did not.
        public var violation: Violation?
    }

    private struct Trial {
        var attack: String
        var measure: String
        var defences: [[DHTDefence]]
        var run: (Set<DHTDefence>) -> (success: Share, violation: Violation?)

        init(
            attack: String,
            measure: String,
            defences: [[DHTDefence]],
            run: @escaping (Set<DHTDefence>) -> (success: Share, violation: Violation?)
        ) {
            (self.attack, self.measure, self.defences, self.run) = (attack, measure, defences, run)
        }

        /// Without a world, and so without invariants.
        init(attack: String, measure: String, defences: [[DHTDefence]], run: @escaping (Set<DHTDefence>) -> Share) {
            self.init(attack: attack, measure: measure, defences: defences) { (run($0), nil) }
        }
    }

    /// Seeds of the attack with old heads.
    private static let oldHeadSeeds = 12

    /// Whether the attacks can be run so.
    public static func check(_ options: ScenarioOptions) throws(OptionRefusal) {
        try Scenarios.check(KeyAttack.self, options)
        _ = try Scenarios.seeds(from: options.seed, count: oldHeadSeeds)
    }

    /// Runs every attack: first with all defences, then without each that bears on it, then without all of these.
    public static func run(_ options: ScenarioOptions, report: (Line) -> Void) {
        for trial in keyTrials(options) + answerTrials(options) {
            for without in trial.defences {
                let result = trial.run(Set(without))
                report(
                    Line(
                        attack: trial.attack,
                        without: without.map { $0.rawValue },
                        measure: trial.measure,
                        success: result.success.text,
                        violation: result.violation
                    )
                )
            }
        }
        for line in exchangeLines() + headLines(options) { report(line) }
    }

    // MARK: - Keys

    private static func keyTrials(_ options: ScenarioOptions) -> [Trial] {
        let measure = "searches that do not find the item"
        func trial(_ scenario: KeyAttack.Type, _ defences: [[DHTDefence]]) -> Trial {
            Trial(attack: scenario.name, measure: measure, defences: defences) { without in
                var options = options
                options.without = Set(without.map { $0.rawValue })
                let course = scenario.init(options)
                let report = Scenarios.run(course, options)
                return (course.lost, report.violations.first)
            }
        }
        let all: [DHTDefence] = [.boundIDs, .prefixDiversity, .disjointPaths]
        return [
            trial(KeyAttack.self, [[], [.boundIDs], [.prefixDiversity], [.disjointPaths], all]),
            trial(NetworkSybil.self, [[], [.boundIDs], [.prefixDiversity], [.disjointPaths], all]),
            trial(ListEclipse.self, [[], [.boundIDs], [.prefixDiversity], [.disjointPaths], all]),
            trial(RichEclipse.self, [[], [.boundIDs], [.prefixDiversity], [.disjointPaths], all]),
        ]
    }

    // MARK: - Answers

    private static let listDefences: [DHTDefence] = [.prefixDiversity, .boundIDs, .answerLimits]

    private static func answerTrials(_ options: ScenarioOptions) -> [Trial] {
        [
            Trial(
                attack: "flood",
                measure: "questions of one /24 that are answered, 2,000 a second",
                defences: [[], [.rateLimits]]
            ) { AnswerAttacks(options, without: $0).flood() },
            Trial(
                attack: "amplification",
                measure: "bytes that a forged address gets for those spent, items of 900 bytes",
                defences: [[], [.rateLimits], [.replyLimits], [.rateLimits, .replyLimits]]
            ) { AnswerAttacks(options, without: $0).amplification() },
            Trial(
                attack: "forged announces",
                measure: "peers stored that a forged address announces",
                defences: [[], [.tokens]]
            ) { AnswerAttacks(options, without: $0).forgedAnnounces() },
            Trial(
                attack: "poisoned node lists",
                measure: "queries of searches that go to one network, which liars name",
                defences: [[], [.prefixDiversity], [.boundIDs], [.answerLimits], listDefences]
            ) { AnswerAttacks(options, without: $0).poisonedLists(.oneNetwork) },
            Trial(
                attack: "poisoned node lists",
                measure: "queries of searches that go to invented nodes, each in a network of its own",
                defences: [[], [.boundIDs], [.answerLimits], listDefences]
            ) { AnswerAttacks(options, without: $0).poisonedLists(.everywhere) },
            Trial(
                attack: "forged items",
                measure: "searches that take an item with another's signature",
                defences: [[], [.signatures]]
            ) { AnswerAttacks(options, without: $0).forgedItems() },
            Trial(
                attack: "old items",
                measure: "searches that take an item older than one seen before",
                defences: [[], [.sequence]]
            ) { AnswerAttacks(options, without: $0).oldItems() },
        ]
    }

    // MARK: - Peers named by peers

    private static func exchangeLines() -> [Line] {
        [true, false].flatMap { isBounded in
            [
                ("ports of one host that one liar has us dial", PeerExchangeTrial.portsOfVictim(isBounded: isBounded)),
                ("hosts that one liar has us dial", PeerExchangeTrial.hosts(isBounded: isBounded)),
            ].map { measure, result in
                Line(
                    attack: "poisoned PEX",
                    without: isBounded ? [] : ["exchange-limits"],
                    measure: measure,
                    success: Share(good: result.dialled, all: result.named).text
                )
            }
        }
    }

    // MARK: - Heads

    private static func headLines(_ options: ScenarioOptions) -> [Line] {
        [[], [.headSignatures], [.writers], [.headSignatures, .writers]].map { (without: [FeedDefence]) in
            var attack = HeadAttack(options, without: Set(without))
            return Line(
                attack: "forged heads",
                without: without.map { $0.rawValue },
                measure: "heads that a reader takes of one who has none of the site's keys",
                success: attack.run().text
            )
        } + oldHeadLines(options)
    }

    /// Runs of `feed-faults` in which a reader goes back to a lower head that a peer shows it.
    private static func oldHeadLines(_ options: ScenarioOptions) -> [Line] {
        [nil, FeedDefect.acceptsLowerHead].map { defect in
            var won = Share()
            for number in 0..<UInt64(oldHeadSeeds) {
                var options = options
                options.seed &+= number
                // The number that was asked for is of the DHT.
                options.nodes = nil
                options.without = []
                options.defect = defect?.rawValue
                won.add(Scenarios.run(FeedFaults.self, options).violations.contains { $0.invariant == .neverLower })
            }
            return Line(
                attack: "old heads",
                without: defect == nil ? [] : ["highest-head"],
                measure: "runs in which a reader takes a lower head",
                success: won.text
            )
        }
    }
}
