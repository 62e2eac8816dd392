// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Simulator

/// Which scenario to run, and how.
struct ScenarioChoice: ParsableArguments {
    @Argument(help: "The scenario; `roost-sim list` names them.")
    var scenario: String

    @Option(help: "All of the run's randomness.")
    var seed: UInt64 = 1

    @Option(help: "How many nodes, within what `roost-sim list` says; by default what the scenario is meant for.")
    var nodes: Int?

    @Flag(help: "As few nodes as the scenario can do with.")
    var small = false

    @Option(help: "Plants a known defect in the product's machines: the run should find it.")
    var defect: String?

    @Option(help: "Switches a defence off; may be given more than once.")
    var without: [String] = []

    @Option(help: "A fault of the plan that is not to happen, by its number; may be given more than once.")
    var omit: [Int] = []

    func validate() throws {
        if small, nodes != nil { throw ValidationError("Say --nodes or --small.") }
        try refusing { () throws(OptionRefusal) in try Scenarios.check(try Scenarios.required(scenario), options) }
    }

    var type: any Scenario.Type {
        get throws { try refusing { () throws(OptionRefusal) in try Scenarios.required(scenario) } }
    }

    var options: ScenarioOptions {
        var options = ScenarioOptions()
        options.seed = seed
        options.nodes = nodes ?? (small ? Scenarios.named(scenario)?.fewestNodes : nil)
        options.defect = defect
        options.without = Set(without)
        options.omitted = Set(omit)
        return options
    }
}

extension ScenarioOptions {
    /// Any instant will do for an origin, and there is no other than now.
    init() { self.init(origin: .now) }
}
