// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Simulator

struct ExploreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explore",
        abstract: "Runs the fault scenarios with seed after seed and prints those that violate something.",
        discussion: """
            Exit status 1: at least one run violated an invariant. Ctrl-C and SIGTERM end it with the total so far, and exit status \
            130 or 143.
            """
    )

    /// A year. What is longer is a slip of the hand, and need not fit into a time.
    private static let mostMinutes = 525_600.0

    @Option(help: "How long to go on; a run that has begun is finished. At most 525600.")
    var minutes: Double?

    @Option(help: "How many seeds, of all fault scenarios in turn.")
    var seeds: Int?

    @Option(help: "The first seed.")
    var from: UInt64 = 1

    @Option(help: "Only this scenario, which may be one that is no fault scenario.")
    var scenario: String?

    @Flag(help: "As few nodes as each scenario can do with.")
    var small = false

    @Flag(
        help: "Says on standard error before each run which it is: of a process that dies the last one is the culprit."
    )
    var announce = false

    func validate() throws {
        if minutes == nil && seeds == nil { throw ValidationError("Say --minutes or --seeds.") }
        if let minutes, !(minutes > 0 && minutes <= Self.mostMinutes) {
            throw ValidationError("--minutes takes more than 0 and at most \(Int(Self.mostMinutes)), a year.")
        }
        _ = try chosenSeeds
        _ = try scenarios
    }

    private var chosenSeeds: ClosedRange<UInt64> {
        get throws {
            guard let seeds else { return from...UInt64.max }
            return try refusing { () throws(OptionRefusal) in try Scenarios.seeds(from: from, count: seeds) }
        }
    }

    private var scenarios: [any Scenario.Type] {
        get throws {
            guard let scenario else { return Scenarios.all.filter { $0.isFaultScenario } }
            return [try refusing { () throws(OptionRefusal) in try Scenarios.required(scenario) }]
        }
    }

    func run() throws {
        let (scenarios, seeds) = (try scenarios, try chosenSeeds)
        let began = ContinuousClock.now
        let tally = Tally()
        EndingSignal.onFirst { tally.end(by: $0) }
        for seed in seeds {
            var options = ScenarioOptions()
            options.seed = seed
            // A seed means the same run wherever one begins.
            let chosen = scenarios[Int((seed &- 1) % UInt64(scenarios.count))]
            if small { options.nodes = chosen.fewestNodes }
            let arguments = options.arguments(for: chosen.name)
            if announce { Output.note("run: " + arguments) }
            tally.add(Scenarios.run(chosen, options), arguments)
            if let minutes, began.duration(to: .now) >= .seconds(minutes * 60) { break }
        }
        if tally.finish() > 0 { throw ExitCode.failure }
    }
}
