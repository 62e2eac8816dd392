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
        var command = "roost-sim run \(report.scenario) --seed \(report.seed)"
        if let nodes = choice.options.nodes { command += " --nodes \(nodes)" }
        if let defect = choice.defect { command += " --defect \(defect)" }
        for number in omitted.sorted() { command += " --omit \(number)" }
        print("again: " + command)
    }
}
