// SPDX-License-Identifier: Apache-2.0

/// Why a run is not made as it was asked for: what it does not know it would leave out, and look as if it had been tried.
public enum OptionRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no scenario of that name.
    case noScenario(String)
    /// A scenario does not take so many nodes.
    case nodes(Int, scenario: String)
    /// A scenario cannot show a defect of that name.
    case noDefect(String, scenario: String)
    /// A scenario has no defence of that name.
    case noDefence(String, scenario: String)
    /// The plan of the run has no fault of that number, but so many.
    case noFault(Int, scenario: String, count: Int)
    /// So many seeds are none.
    case noSeeds(Int)
    /// From the first one on there are not that many.
    case noMoreSeeds(from: UInt64, count: Int)

    /// What is wrong, and what there is.
    public var description: String {
        switch self {
        case .noScenario(let name):
            "There is no scenario '\(name)'; there are: \(Self.list(Scenarios.all.map { $0.name }))."
        case .nodes(let count, let scenario):
            "\(scenario) does not take \(count) nodes; it takes \(Scenarios.nodesText(scenario))."
        case .noDefect(let name, let scenario):
            "\(scenario) has no planted defect '\(name)'; it has: \(Self.list(Scenarios.named(scenario)?.defects ?? []))."
        case .noDefence(let name, let scenario):
            "\(scenario) has no defence '\(name)'; it has: \(Self.list(Scenarios.named(scenario)?.defences ?? []))."
        case .noFault(let number, let scenario, let count):
            "\(scenario) has no fault \(number) in this run; it has \(count == 0 ? "none" : "0 to \(count - 1)")."
        case .noSeeds(let count): "\(count) seeds are none to try: give 1 or more."
        case .noMoreSeeds(let first, let count):
            "There are not \(count) seeds from \(first) on: the last one is \(UInt64.max)."
        }
    }

    private static func list(_ names: [String]) -> String { names.isEmpty ? "none" : names.joined(separator: ", ") }
}

extension Scenarios {
    /// The scenario of that name.
    public static func required(_ name: String) throws(OptionRefusal) -> any Scenario.Type {
        guard let scenario = named(name) else { throw .noScenario(name) }
        return scenario
    }

    /// Whether a run can be made as it was asked for. It is not begun, but its faults are drawn.
    public static func check(_ scenario: any Scenario.Type, _ options: ScenarioOptions) throws(OptionRefusal) {
        let name = scenario.name
        if let nodes = options.nodes {
            let isTaken = (scenario.fewestNodes...scenario.mostNodes).contains(nodes) && nodes % scenario.nodeStep == 0
            if !isTaken { throw .nodes(nodes, scenario: name) }
        }
        if let defect = options.defect, !scenario.defects.contains(defect) {
            throw .noDefect(defect, scenario: name)
        }
        if let unknown = options.without.subtracting(scenario.defences).min() {
            throw .noDefence(unknown, scenario: name)
        }
        guard !options.omitted.isEmpty else { return }
        let count = scenario.init(options).faults.count
        if let unknown = options.omitted.filter({ !(0..<count).contains($0) }).min() {
            throw .noFault(unknown, scenario: name, count: count)
        }
    }

    /// So many seeds from one on.
    public static func seeds(from first: UInt64, count: Int) throws(OptionRefusal) -> ClosedRange<UInt64> {
        guard count > 0 else { throw .noSeeds(count) }
        let (last, isTooMany) = first.addingReportingOverflow(UInt64(count - 1))
        guard !isTooMany else { throw .noMoreSeeds(from: first, count: count) }
        return first...last
    }

    /// `12 to 1024, even`: what ``ScenarioOptions/nodes`` may be.
    public static func nodesText(_ name: String) -> String {
        guard let scenario = named(name) else { return "none" }
        return "\(scenario.fewestNodes) to \(scenario.mostNodes)" + (scenario.nodeStep == 2 ? ", even" : "")
    }
}
