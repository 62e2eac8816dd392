// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Simulator

@Suite struct FaultScenarioTests {
    private func run(_ scenario: any Scenario.Type, seed: UInt64, defect: String? = nil) -> Report {
        var options = ScenarioOptions(origin: .now)
        options.seed = seed
        options.defect = defect
        return Scenarios.run(scenario, options)
    }

    @Test("readers end at the newest head whatever fails and whoever lies, issue 4 item 2", arguments: [2, 3])
    func feeds(seed: UInt64) {
        #expect(run(FeedFaults.self, seed: seed).violations.isEmpty)
        #expect(run(FeedFork.self, seed: seed).violations.isEmpty)
    }

    @Test("the runs do not depend on what instant stands for zero")
    func origin() {
        #expect(run(FeedFork.self, seed: 4).trace == run(FeedFork.self, seed: 4).trace)
    }

    @Test("an acknowledgement lost in a partition is no round trip of 16 s, after which each loss costs a minute")
    func lostAcknowledgement() {
        var options = ScenarioOptions(origin: .now)
        options.seed = 6
        options.omitted = [2, 4, 5]
        #expect(Scenarios.run(UTPFaults.self, options).violations.isEmpty)
    }

    @Test("nor is one what was given up after a timeout and had lain at the other side, RFC 6298 §3")
    func givenUp() {
        var options = ScenarioOptions(origin: .now)
        options.seed = 10
        options.nodes = 5
        #expect(Scenarios.run(UTPFaults.self, options).violations.isEmpty)
    }

    @Test(
        "a planted defect is found by the invariant that it breaks, issue 4 acceptance: planted bugs; `make sim` looks for all",
        arguments: ["lower-head", "reversed-bytes", "user-name", "unverified-block"]
    )
    func planted(name: String) throws {
        let defect = try #require(PlantedDefect.all.first { $0.name == name })
        let reports = (1...6).lazy.map { run(defect.scenario, seed: $0, defect: name) }
        #expect(reports.contains { $0.violations.first?.invariant == defect.invariant })
    }

    @Test("each of the project's invariants 1 to 4 has a defect that breaks it, or is broken by hand in a test")
    func numbers() {
        #expect(Set(PlantedDefect.all.compactMap { $0.invariant.number }) == [1, 3, 4])
    }
}
