// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Simulator

/// The program `roost-sim`: runs scenarios of the simulator.
@main
struct RoostSim: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roost-sim",
        abstract: "Runs the product's own machines in a simulated world: the same seed gives the same run.",
        subcommands: [
            ListCommand.self, RunCommand.self, ExploreCommand.self, MinimiseCommand.self, AttacksCommand.self,
            PlantedCommand.self,
        ]
    )
}
