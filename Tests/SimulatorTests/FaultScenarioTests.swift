// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import Simulator

@Suite struct FaultScenarioTests {
    private func run(
        _ scenario: String,
        seed: UInt64,
        nodes: Int? = nil,
        omitted: Set<Int> = []
    ) async throws -> Report {
        try #require(
            await onOwnThread {
                var options = ScenarioOptions(origin: .now)
                (options.seed, options.nodes, options.omitted) = (seed, nodes, omitted)
                return Scenarios.named(scenario).map { Scenarios.run($0, options) }
            }
        )
    }

    @Test("readers end at the newest head whatever fails and whoever lies, issue 4 item 2", arguments: [2, 3])
    func feeds(seed: UInt64) async throws {
        #expect(try await run("feed-faults", seed: seed).violations.isEmpty)
        #expect(try await run("feed-fork", seed: seed).violations.isEmpty)
    }

    @Test("a piece that must come from one peer is not given to a silent and a slow one by turns, for ever")
    func letLie() async throws {
        let report = try await run("swarm-faults", seed: 107_118, nodes: 7, omitted: [0, 2, 5, 6, 7, 8])
        #expect(report.violations.isEmpty)
    }

    @Test("an owner whose power failed over a recovery writes it again", arguments: [105_820, 106_736])
    func repeatedRecovery(seed: UInt64) async throws {
        #expect(try await run("feed-fork", seed: seed, nodes: 10).violations.isEmpty)
    }

    @Test("a network parted for minutes finds together, issue 4 item 2: partition and heal", arguments: [1, 3])
    func healing(seed: UInt64) async throws {
        let report = try await run("partition-heal", seed: seed, nodes: PartitionHeal.fewestNodes)
        #expect(report.violations.isEmpty)
    }

    @Test("a node whose clock went back twelve minutes does not make old records of a zone new again")
    func clockThatWentBack() async throws {
        let report = try await run("zone-announce", seed: 165, nodes: 12, omitted: [0, 1, 2, 4, 5])
        #expect(report.violations.isEmpty)
    }

    @Test("a torrent is whole again after disks lied about what they had synced and lost it (swarm-faults)")
    func lyingDisks() async throws {
        let report = try await run("swarm-faults", seed: 3, nodes: 7)
        #expect(report.violations.isEmpty)
        let lost = report.figures.first { $0.name == "lost-after-sync" }.flatMap { Int($0.value) }
        #expect(try #require(lost) > 0)
    }

    @Test(
        "a publisher goes when its readers together have everything, none of them has it all, and all get it, issue 4 item 2"
    )
    func publisherGone() async throws {
        let report = try await run("publisher-gone", seed: 2, nodes: PublisherGone.fewestNodes)
        #expect(report.violations.isEmpty && report.figures.contains { $0.name == "publisher-left-after" })
    }

    @Test("the checks of the crowd see a timer that is not planned")
    func crowdTimer() async {
        let invariant = await onOwnThread {
            var options = ScenarioOptions(origin: .now)
            (options.nodes, options.defect) = (SwarmCrowd.fewestNodes, "dropped-timer")
            return Scenarios.run(SwarmCrowd.self, options).violations.first?.invariant
        }
        #expect(invariant == .timerIsSet)
    }

    @Test(
        "clocks jump where somebody reads a wall clock, and nowhere else",
        arguments: [
            "swarm-faults", "utp-faults", "partition-heal", "dht-items", "feed-faults", "feed-fork", "zone-announce",
        ]
    )
    func clocks(scenario: String) async throws {
        let readers: [String: (Int) -> Bool] = [
            "feed-faults": { $0 == 0 }, "feed-fork": { $0 == 0 }, "zone-announce": { $0 >= 4 },
        ]
        let course = try #require(Scenarios.named(scenario))
        for seed in 1...20 as ClosedRange<UInt64> {
            var options = ScenarioOptions(origin: .now)
            (options.seed, options.nodes) = (seed, course.fewestNodes)
            for fault in course.init(options).faults {
                guard case .clockJump = fault.kind else { continue }
                #expect(readers[scenario]?(fault.host) == true)
            }
        }
    }

    @Test("the runs do not depend on what instant stands for zero")
    func origin() async throws {
        let (first, second) = (try await run("feed-fork", seed: 4), try await run("feed-fork", seed: 4))
        #expect(first.trace == second.trace)
    }

    @Test("an acknowledgement lost in a partition is no round trip of 16 s, after which each loss costs a minute")
    func lostAcknowledgement() async throws {
        #expect(try await run("utp-faults", seed: 6, omitted: [2, 4, 5]).violations.isEmpty)
    }

    @Test("nor is one what was given up after a timeout and had lain at the other side, RFC 6298 §3")
    func givenUp() async throws {
        #expect(try await run("utp-faults", seed: 10, nodes: 5).violations.isEmpty)
    }

    @Test(
        "a planted defect is found by the invariant that it breaks, issue 4 acceptance: planted bugs; `make sim` looks for all",
        arguments: [
            "lower-head", "other-history", "forgotten-evidence", "reversed-bytes", "user-name", "unverified-block",
        ]
    )
    func planted(name: String) async {
        let isFound = await onOwnThread {
            let defect = PlantedDefect.all.first { $0.name == name }
            return defect?.search(ScenarioOptions(origin: .now), seeds: 12) != nil
        }
        #expect(isFound)
    }

    @Test("REQUIREMENTS §3.3: each of the project's invariants 1 to 4 has a planted defect that breaks it")
    func numbers() {
        #expect(Set(PlantedDefect.all.compactMap { $0.invariant.number }) == [1, 2, 3, 4])
    }
}
