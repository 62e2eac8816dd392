// SPDX-License-Identifier: Apache-2.0
import Testing

@Suite struct ReplayTests {
    @Test(
        "Processes whose hash tables have other seeds give the same figures and the same trace",
        arguments: [
            "dht-short", "dht-items", "swarm-faults", "feed-fork", "partition-heal", "utp-faults", "publisher-gone",
            "eclipse",
        ]
    )
    func sameTrace(scenario: String) async throws {
        let arguments = ["run", scenario, "--small", "--seed", "3"]
        let program = try SimulatorProgram()
        let first = try await program.run(arguments).output
        let second = try await program.run(arguments, deterministicHashing: true).output
        #expect(first.contains("\ntrace ") && first == second)
        #expect(!first.contains("Simulator."), "what went wrong is told in words")
    }
}
