// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

/// The program `roost-bench`: what the hot paths cost, in time and in allocations.
@main
struct RoostBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roost-bench",
        abstract: "Measures hot paths: nanoseconds and allocations for each operation.",
        discussion: "Times are medians and move with the machine; allocations are exact. Build it in release."
    )

    @Option(help: "Only those whose name holds this word.") var only = ""
    @Option(help: "Rounds; the median is shown.") var rounds = 9
    @Flag(help: "One JSON object a line.") var json = false

    func run() {
        if !json { print(Measurement.heading) }
        for suite in [Suites.bencode, Suites.peerWire, Suites.session, Suites.merkle, Suites.krpc] {
            for benchmark in suite() where only.isEmpty || benchmark.name.contains(only) {
                let measurement = benchmark.measure(rounds: max(rounds, 1))
                print(json ? measurement.json : measurement.line)
            }
        }
    }
}

/// The benchmarks, each group in a file of its own.
enum Suites {}
