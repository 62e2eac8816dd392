// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Simulator

/// What `roost-sim` makes of its arguments.
@Suite struct CommandTests {
    @Test(
        "what a run could only leave out is refused, with what there is: else a slip reads as a defence that holds",
        arguments: [
            ("run eclipse --without path", "eclipse has no defence 'path'; it has: bound-ids, prefixes, paths,"),
            ("run feed-faults --without paths", "it has: none"),
            ("run swarm-faults --defect lower-head", "it has: unverified-block, unbounded-queue, dropped-timer,"),
            ("minimise flash-crowd --defect reversed-bytes", "it has: dropped-timer"),
            ("run feed-faults --defect other-history", "it has: lower-head."),
            ("run swarm-faults --omit 0 --omit 99", "swarm-faults has no fault 99 in this run; it has 0 to 8"),
            ("run swarm-faults --omit=-1", "no fault -1"),
            ("run dht-short --omit 0", "it has none"),
            ("run dht-shrot", "there are: dht-churn, dht-short,"),
            ("explore --seeds 1 --scenario dht-shrot", "there are: dht-churn, dht-short,"),
            ("planted --defect lower-haed", "there are: lower-sequence, lower-head,"),
        ]
    )
    func unknownNames(line: String, says words: String) async throws { try await isRefused(line, words) }

    @Test(
        "no number crashes it or is another one in silence",
        arguments: [
            ("run dht-items --nodes 8", "dht-items does not take 8 nodes; it takes 9 to 100"),
            ("run dht-churn --nodes 0", "it takes 16 to 20000"),
            ("run flash-crowd --nodes=-5", "it takes 24 to 2000"),
            ("run zone-announce --nodes 13", "it takes 12 to 1024, even"),
            ("run swarm-faults --nodes \(Int.max)", "it takes 7 to 40"),
            ("run swarm-faults --nodes 9 --small", "Say --nodes or --small"),
            ("attacks --nodes 3", "sybil does not take 3 nodes"),
            ("attacks --seed \(UInt64.max)", "There are not 12 seeds"),
            ("planted --seeds=-1", "-1 seeds are none to try"),
            ("planted --from \(UInt64.max)", "There are not 24 seeds"),
            ("explore --seeds 0", "0 seeds are none to try"),
            ("explore --from \(UInt64.max) --seeds 2", "There are not 2 seeds from \(UInt64.max) on"),
            ("explore --minutes 0", "--minutes takes more than 0"),
            ("explore --minutes=-1", "--minutes takes more than 0"),
            ("explore --minutes nan", "--minutes takes more than 0"),
            ("explore --minutes 1e30", "at most 525600"),
        ]
    )
    func numbers(line: String, says words: String) async throws { try await isRefused(line, words) }

    private func isRefused(_ line: String, _ words: String) async throws {
        let ended = try await SimulatorProgram().run(line.components(separatedBy: " "))
        #expect(ended.status == 64 && ended.output.isEmpty && ended.errors.contains(words), "\(ended)")
    }

    @Test("the last seed of all is one, and the least time is time for one run")
    func ends() async throws {
        let line = ["explore", "--small", "--scenario", "dht-items"]
        for arguments in [["--from", "\(UInt64.max)", "--minutes", "9"], ["--minutes", "1e-9"]] {
            let ended = try await SimulatorProgram().run(line + arguments)
            #expect(ended.status == 0 && ended.output == "seeds 1, violations 0\n")
        }
    }

    @Test("who ends an exploration is told what it has done so far")
    func interrupted() async throws {
        let line = ["explore", "--small", "--scenario", "dht-items", "--minutes", "2", "--announce"]
        let ended = try await SimulatorProgram().run(line, terminated: (after: "run: ", times: 3))
        #expect(ended.status == 128 + SIGTERM)
        let words = ended.output.split(whereSeparator: " ,\n".contains)
        #expect(words.count == 4 && words[0] == "seeds" && words[2...] == ["violations", "0"])
        #expect(try #require(words.dropFirst().first.flatMap { Int($0) }) >= 2)
    }

    @Test("the example of `minimise` in the manual works as it stands there")
    func manual() async throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../..")
        let manual = try String(contentsOf: root.appendingPathComponent("docs/simulator.md"), encoding: .utf8)
        let command = ".build/release/roost-sim "
        let line = try #require(manual.split(separator: "\n").first { $0.hasPrefix(command + "minimise") })
        let ended = try await SimulatorProgram().run(line.dropFirst(command.count).components(separatedBy: " "))
        #expect(ended.status == 0 && ended.output.contains("\nviolated "), "\(ended)")
        #expect(ended.output.split(separator: "\n").last?.hasPrefix("again: roost-sim run ") == true)
    }

    @Test("every scenario takes the least, the usual and the most nodes, and neither fewer nor more")
    func bounds() {
        for scenario in Scenarios.all {
            func isTaken(_ nodes: Int) -> Bool {
                var options = ScenarioOptions(origin: .now)
                options.nodes = nodes
                return (try? Scenarios.check(scenario, options)) != nil
            }
            #expect([scenario.fewestNodes, scenario.defaultNodes, scenario.mostNodes].allSatisfy(isTaken))
            #expect(!isTaken(scenario.fewestNodes - 1) && !isTaken(scenario.mostNodes + 1))
        }
    }

    @Test("a planted defect is known where it is looked for")
    func defects() {
        for planted in PlantedDefect.all { #expect(planted.scenario.defects.contains(planted.name)) }
    }

    @Test("faults are told in words")
    func words() {
        let kinds: [(Fault.Kind, String)] = [
            (.powerFailure(.seconds(12)), "power fails for 12 s"),
            (.badLine(234_567, .seconds(5)), "its line loses 23 % for 5 s"),
            (.slowLine(4000, .seconds(5)), "its line carries 4 kB a second for 5 s"),
            (.clockJump(.seconds(-90)), "its wall clock jumps back by 90 s"),
            (.disk(.full), "its disk is full for a while"),
        ]
        for (kind, words) in kinds {
            #expect(Fault(time: .milliseconds(31_250), kind: kind, host: 3).description == "31.250 s host 3: " + words)
        }
    }
}
