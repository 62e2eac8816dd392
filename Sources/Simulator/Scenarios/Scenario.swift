// SPDX-License-Identifier: Apache-2.0

/// What is asked of a run.
public struct ScenarioOptions: Sendable {
    /// All of the run's randomness.
    public var seed: UInt64 = 1
    /// How many nodes; nil for what the scenario has by itself.
    public var nodes: Int?
    /// The faults of the plan, by their number, that do not happen: for shrinking a failing run.
    public var omitted: Set<Int> = []
    /// A defect switched on in the product's machines, to see that it is found.
    public var defect: String?
    /// Defences switched off, by name: for attacks.
    public var without: Set<String> = []

    /// What machines that count with instants take for the time zero of every clock. Nothing depends on it.
    public let origin: ContinuousClock.Instant

    /// Everything else by its default.
    public init(origin: ContinuousClock.Instant) {
        self.origin = origin
    }

    /// What `roost-sim run` takes for the same run: everything here but the origin.
    public func arguments(for scenario: String) -> String {
        var words = [scenario]
        if let nodes { words += ["--nodes", "\(nodes)"] }
        words += ["--seed", "\(seed)"]
        if let defect { words += ["--defect", defect] }
        for name in without.sorted() { words += ["--without", name] }
        for number in omitted.sorted() { words += ["--omit", "\(number)"] }
        return words.joined(separator: " ")
    }
}

/// A course of events over a world, with what must hold in it.
public protocol Scenario: AnyObject {
    static var name: String { get }
    static var summary: String { get }
    /// Without an answer for ``ScenarioOptions/nodes``.
    static var defaultNodes: Int { get }
    /// The least it takes, with which it still tests what it is meant to: for many seeds in little time.
    static var fewestNodes: Int { get }
    /// The most it takes: it fits into 4 GiB, and its course is still what it is meant to be.
    static var mostNodes: Int { get }
    /// Only multiples of this are taken.
    static var nodeStep: Int { get }
    /// Names for ``ScenarioOptions/defect``: those that can show in it.
    static var defects: [String] { get }
    /// Names for ``ScenarioOptions/without``.
    static var defences: [String] { get }
    /// Whether it is one of those that are run with many seeds.
    static var isFaultScenario: Bool { get }

    init(_ options: ScenarioOptions)
    var world: World { get }
    /// Faults of the plan, in order; what ``ScenarioOptions/omitted`` counts.
    var faults: [Fault] { get }
    /// Runs to the end, or to the first invariant that does not hold.
    func run() -> [Figure]
}

extension Scenario {
    /// As many as by default.
    public static var fewestNodes: Int { defaultNodes }
    /// Any number.
    public static var nodeStep: Int { 1 }
    /// None.
    public static var defects: [String] { [] }
    /// None.
    public static var defences: [String] { [] }
    /// Not.
    public static var isFaultScenario: Bool { false }
    /// None.
    public var faults: [Fault] { [] }

    /// Those asked for. What is out of bounds has been refused (``Scenarios/check(_:_:)``); a scenario by itself rather has more
    /// nodes than that it falls over.
    static func nodes(_ options: ScenarioOptions) -> Int { max(options.nodes ?? defaultNodes, fewestNodes) }
}

/// One line of a report.
public struct Figure: Equatable, Sendable {
    /// Of what it says.
    public var name: String
    /// A whole number, a share or a time, as text.
    public var value: String

    /// Takes each value as it is.
    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// A number, in decimal digits.
    public init(_ name: String, _ value: some BinaryInteger) { self.init(name, String(value)) }
}

/// What came of a run.
public struct Report: Sendable {
    /// Its name.
    public var scenario: String
    /// Of the run.
    public var seed: UInt64
    /// What the scenario measured.
    public var figures: [Figure]
    /// All of the plan, omitted ones among them.
    public var faults: [Fault]
    /// Empty, or the first that was found.
    public var violations: [Violation]
    /// How many were handled.
    public var events: UInt64
    /// The hash of everything that happened, in hex.
    public var trace: String
}

/// The scenarios by name.
public enum Scenarios {
    /// In the order in which they are listed.
    public static var all: [any Scenario.Type] {
        [
            DHTChurn.self, DHTShort.self, DHTItems.self, SwarmFaults.self, FeedFaults.self, FeedFork.self,
            PartitionHeal.self, UTPFaults.self, SwarmCrowd.self, PublisherGone.self, KeyAttack.self, NetworkSybil.self,
            ListEclipse.self, RichEclipse.self, ZoneAnnounce.self,
        ]
    }

    /// Nil where there is none of that name.
    public static func named(_ name: String) -> (any Scenario.Type)? { all.first { $0.name == name } }

    /// Runs a scenario to its end.
    public static func run(_ scenario: any Scenario.Type, _ options: ScenarioOptions) -> Report {
        run(scenario.init(options), options)
    }

    /// The same for one that was made with these options, whose own results are looked at afterwards.
    ///
    /// Not generic: the optimiser of Swift 6.3.1 crashes where it makes such a function special for a scenario known by its type.
    static func run(_ course: any Scenario, _ options: ScenarioOptions) -> Report {
        let figures = course.run()
        course.world.end()
        for figure in figures { course.world.note(figure.name + " " + figure.value) }
        return Report(
            scenario: type(of: course).name,
            seed: options.seed,
            figures: figures,
            faults: course.faults,
            violations: course.world.violations,
            events: course.world.eventCount,
            trace: course.world.digest
        )
    }
}
