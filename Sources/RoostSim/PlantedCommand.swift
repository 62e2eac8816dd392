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

    func validate() throws {
        _ = try refusing { () throws(OptionRefusal) in try Scenarios.seeds(from: from, count: seeds) }
        guard defects.isEmpty, let defect else { return }
        let names = PlantedDefect.all.map { $0.name }.joined(separator: ", ")
        throw ValidationError("There is no planted defect '\(defect)'; there are: \(names).")
    }

    private var defects: [PlantedDefect] { PlantedDefect.all.filter { defect == nil || $0.name == defect } }

    func run() throws {
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
