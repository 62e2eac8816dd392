// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import CLinux
internal import Foundation

/// The program `roost`.
@main
struct Roost: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roost",
        abstract: "A peer-to-peer web: a folder becomes a website that its readers host.",
        version: Version.text,
        groupedSubcommands: [
            CommandGroup(name: "Begin", subcommands: [DemoCommand.self, InitCommand.self]),
            CommandGroup(
                name: "Sites",
                subcommands: [
                    PublishCommand.self, OpenCommand.self, FetchCommand.self, SiteCommand.self, WhyCommand.self,
                    DenyCommand.self,
                ]
            ),
            CommandGroup(name: "Identities", subcommands: [IDCommand.self, DeviceCommand.self]),
            CommandGroup(
                name: "The node",
                subcommands: [
                    StartCommand.self, StopCommand.self, StatusCommand.self, UICommand.self, ConfigCommand.self,
                    DoctorCommand.self,
                ]
            ),
            CommandGroup(
                name: "Look inside",
                subcommands: [
                    PeersCommand.self, NetworkCommand.self, DHTCommand.self, TorrentCommand.self,
                    ConformanceCommand.self,
                ]
            ),
        ]
    )

    static func main() async {
        // A reader of our output that closes early is no error; EPIPE is handled where we write.
        signal(SIGPIPE, SIG_IGN)
        // An arena for each thread would keep several times what is in use.
        roost_limit_allocator()
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            Failure.exit(with: error)
        }
    }
}
