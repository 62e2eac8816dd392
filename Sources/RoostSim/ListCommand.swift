// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Simulator

struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Says which scenarios there are.")

    func run() {
        for scenario in Scenarios.all { print(scenario.name + "\t" + scenario.summary) }
    }
}
