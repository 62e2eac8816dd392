// SPDX-License-Identifier: Apache-2.0

/// A fault that can be switched on in the machines or their drivers, to see that an invariant finds it.
public struct PlantedDefect {
    /// For ``ScenarioOptions/defect``.
    public let name: String
    /// What is wrong then.
    public let summary: String
    /// What must not hold then.
    public let invariant: Invariant
    /// Where it shows.
    public let scenario: any Scenario.Type

    /// Those that runs must find.
    public static var all: [PlantedDefect] {
        [
            PlantedDefect(
                name: "lower-sequence",
                summary: "an item older than one seen before is accepted",
                invariant: .neverOlder,
                scenario: DHTItems.self
            ),
            PlantedDefect(
                name: "lower-head",
                summary: "after a site was removed, an older state of it is taken for the newest",
                invariant: .neverLower,
                scenario: FeedFaults.self
            ),
            PlantedDefect(
                name: "other-history",
                summary: "after a site was removed, a thief's history of the same numbers is taken for it",
                invariant: .neverReassigned,
                scenario: FeedFork.self
            ),
            PlantedDefect(
                name: "forgotten-evidence",
                summary: "what only proves a fork is not kept",
                invariant: .evidenceIsKept,
                scenario: FeedFork.self
            ),
            PlantedDefect(
                name: "unverified-block",
                summary: "a piece that fails its hash is offered",
                invariant: .offeredIsVerified,
                scenario: SwarmFaults.self
            ),
            PlantedDefect(
                name: "early-acknowledgement",
                summary: "the resume record is written before the piece is synced",
                invariant: .offeredIsVerified,
                scenario: SwarmFaults.self
            ),
            PlantedDefect(
                name: "dropped-timer",
                summary: "the session's timer is planned once only",
                invariant: .timerIsSet,
                scenario: SwarmFaults.self
            ),
            PlantedDefect(
                name: "unbounded-queue",
                summary: "requests of a peer are kept without a bound",
                invariant: .queuesAreBounded,
                scenario: SwarmFaults.self
            ),
            PlantedDefect(
                name: "reversed-bytes",
                summary: "bytes that came early over uTP are handed on the wrong way round",
                invariant: .streamIsTrue,
                scenario: UTPFaults.self
            ),
            PlantedDefect(
                name: "user-name",
                summary: "a host tells its peers what its user is called",
                invariant: .noNames,
                scenario: SwarmFaults.self
            ),
        ]
    }

    /// The first run that shows it, of so many seeds from the options' own on; nil where none does.
    ///
    /// A defect shows in the runs in which it matters. A run counts only if the same one without the defect is clean.
    public func search(_ options: ScenarioOptions, seeds: Int) -> Report? {
        var options = options
        options.nodes = options.nodes ?? scenario.fewestNodes
        for _ in 0..<seeds {
            options.defect = name
            let report = Scenarios.run(scenario, options)
            if report.violations.first?.invariant == invariant {
                options.defect = nil
                if Scenarios.run(scenario, options).violations.isEmpty { return report }
            }
            options.seed &+= 1
        }
        return nil
    }
}
