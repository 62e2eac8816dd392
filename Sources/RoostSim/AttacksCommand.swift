// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Simulator

struct AttacksCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attacks",
        abstract: "Prints what attackers reach with each of the defences and without it.",
        discussion: """
            Columns: the attack, the defences that were off, the attacker's success, and what is counted as one. Exit status 1: \
            an invariant did not hold in one of the worlds, which standard error names.
            """
    )

    @Option(help: "All of the runs' randomness.")
    var seed: UInt64 = 1

    @Option(help: "How many honest nodes the DHT of the attacks on keys has.")
    var nodes: Int?

    func validate() throws {
        try refusing { () throws(OptionRefusal) in try AttackTable.check(options) }
    }

    private var options: ScenarioOptions {
        var options = ScenarioOptions()
        options.seed = seed
        options.nodes = nodes
        return options
    }

    func run() throws {
        let meter = RunMeter()
        var violations = 0
        AttackTable.run(options) { line in
            let without = line.without.isEmpty ? "nothing" : line.without.joined(separator: ", ")
            print("| \(line.attack) | \(without) | \(line.success) | \(line.measure) |")
            guard let violation = line.violation else { return }
            violations += 1
            Output.note("\(line.attack) without \(without): \(violation)")
        }
        Output.note(meter.text(events: 0))
        if violations > 0 { throw ExitCode.failure }
    }
}
