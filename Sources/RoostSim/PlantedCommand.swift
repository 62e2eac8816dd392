// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Simulator

struct PlantedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "planted",
        abstract: "Switches on each of the planted defects and prints the first run that finds it.",
        discussion:
            "Exit status 1: one of them was not found. A run counts if the same one without the defect is clean."
    )

    @Option(help: "How many seeds are tried for each.")
    var seeds = 24

    @Option(help: "The first seed.")
    var from: UInt64 = 1

    @Option(help: "Only this one.")
    var defect: String?

    func run() throws {
        let defects = PlantedDefect.all.filter { [defect] in defect == nil || $0.name == defect }
        guard !defects.isEmpty else { throw ValidationError("There is no such planted defect.") }
        var missing = 0
        for planted in defects {
            var options = ScenarioOptions()
            options.seed = from
            if let report = planted.search(options, seeds: seeds), let violation = report.violations.first {
                print("planted \(planted.name): \(report.scenario) --small --seed \(report.seed): \(violation)")
            } else {
                missing += 1
                print("planted \(planted.name): not found by \(seeds) seeds of \(planted.scenario.name)")
            }
        }
        if missing > 0 { throw ExitCode.failure }
    }
}
