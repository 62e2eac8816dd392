// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Simulator

struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Says which scenarios there are, what they do and how many nodes they take."
    )

    func run() {
        for scenario in Scenarios.all {
            let nodes = "nodes \(Scenarios.nodesText(scenario.name)); \(scenario.defaultNodes) by default"
            print([scenario.name, scenario.summary, nodes].joined(separator: "\t"))
        }
    }
}
