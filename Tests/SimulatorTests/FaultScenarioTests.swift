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

    @Test("a reader that takes a lower head is found, issue 4 acceptance: planted bugs")
    func lowerHead() {
        let violations = run(FeedFaults.self, seed: 2, defect: "lower-head").violations
        #expect(violations.first?.invariant == "never-lower")
    }
}
