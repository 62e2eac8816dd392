// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Node

struct NetworkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "network",
        abstract: "Look at the network that the node is in.",
        subcommands: [Members.self]
    )

    struct Members: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the peers whose signed address this node holds.",
            discussion: "Peers announce themselves to everybody where the setting zone-announcement is on."
        )
        @OptionGroup var options: GlobalOptions

        func run() async throws {
            let node = try await NodeConnection.open(options, .never)
            options.print(await node.members()) { members in
                guard !members.isEmpty else {
                    return "None. Peers announce themselves where zone-announcement is on: see docs/configuration.md."
                }
                return members.map { member in
                    "\(member.peer)  \(member.addresses.joined(separator: " "))" + (member.own ? "  this node" : "")
                }
                .joined(separator: "\n")
            }
        }
    }
}
