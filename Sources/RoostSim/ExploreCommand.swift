// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Simulator

struct ExploreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explore",
        abstract: "Runs the fault scenarios with seed after seed and prints those that violate something.",
        discussion: "Exit status 1: at least one run violated an invariant."
    )

    @Option(help: "How long to go on.")
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
    }

    func run() throws {
        let scenarios = Scenarios.all.filter {
            $0.name == scenario || scenario == nil && $0.isFaultScenario
        }
        guard !scenarios.isEmpty else { throw ValidationError("There is no such scenario.") }
        let began = ContinuousClock.now
        let meter = RunMeter()
        var (runs, failures, events) = (0, 0, UInt64(0))
        while seeds.map({ runs < $0 }) ?? true, minutes.map({ began.duration(to: .now) < .seconds($0 * 60) }) ?? true {
            var options = ScenarioOptions()
            options.seed = from + UInt64(runs)
            // A seed means the same run wherever one begins.
            let chosen = scenarios[Int((options.seed &- 1) % UInt64(scenarios.count))]
            if small { options.nodes = chosen.fewestNodes }
            if announce { Output.note("run: " + options.arguments(for: chosen.name)) }
            let report = Scenarios.run(chosen, options)
            runs += 1
            events += report.events
            guard let violation = report.violations.first else { continue }
            failures += 1
            print("\(options.arguments(for: report.scenario)): \(violation)")
            Output.flush()
        }
        print("seeds \(runs), violations \(failures)")
        Output.note(meter.text(events: events))
        if failures > 0 { throw ExitCode.failure }
    }
}
