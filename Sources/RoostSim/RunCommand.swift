// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Simulator

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs one scenario and prints its figures, and last the hash of everything that happened.",
        discussion:
            "Exit status 1: an invariant did not hold. The figures and the trace depend on scenario, seed and options alone."
    )

    @OptionGroup var choice: ScenarioChoice

    func run() throws {
        let options = choice.options
        let meter = RunMeter()
        let report = Scenarios.run(try choice.type, options)
        Output.write(report, omitted: options.omitted)
        Output.note(meter.text(events: report.events))
        if !report.violations.isEmpty { throw ExitCode.failure }
    }
}
