// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Simulator

struct MinimiseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "minimise",
        abstract: "Leaves out the faults that a failing run does not need, and prints what remains."
    )

    @OptionGroup var choice: ScenarioChoice

    func run() throws {
        let found = Minimiser.minimise(try choice.type, choice.options) { Output.note("without fault \($0)?") }
        guard let (omitted, report) = found else {
            throw ValidationError("This run violates nothing, so there is nothing to shrink.")
        }
        Output.write(report, omitted: omitted)
        var fewer = choice.options
        fewer.omitted = omitted
        print("again: roost-sim run " + fewer.arguments(for: report.scenario))
    }
}
