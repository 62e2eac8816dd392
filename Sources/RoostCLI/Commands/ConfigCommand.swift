// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Node

struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Show or change the settings of the node.",
        subcommands: [Show.self, Get.self, Set.self],
        defaultSubcommand: Show.self
    )

    /// The entries as the running node has them; else as the file and the environment give them.
    static func entries(_ options: GlobalOptions) async throws -> [ConfigurationEntry] {
        if let node = try await NodeConnection.running(options) { return await node.configuration() }
        return try ConfigurationLoader(
            file: ConfigurationFile(options.homeDirectory).read(),
            environment: ProcessInfo.processInfo.environment
        ).load().entries
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the effective values and where they come from."
        )
        @OptionGroup var options: GlobalOptions

        func run() async throws {
            options.print(try await ConfigCommand.entries(options)) { entries in
                entries.map { "\($0.key) = \"\($0.value)\"  # \($0.source)" }.joined(separator: "\n")
            }
        }
    }

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print one value.")
        @OptionGroup var options: GlobalOptions
        @Argument(help: "The setting.") var key: String

        func run() async throws {
            guard let entry = try await ConfigCommand.entries(options).first(where: { $0.key == key }) else {
                throw NodeError(
                    .configuration,
                    "there is no setting '\(key)'",
                    remedy: "`roost config show` lists them."
                )
            }
            options.print(entry) { $0.value }
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write one value to config.toml.",
            discussion: """
                A running node takes what it gives back (serve, quota, accept-pushes) and its limits at once, everything \
                else at its next start.
                """
        )
        @OptionGroup var options: GlobalOptions
        @Argument(help: "The setting.") var key: String
        @Argument(help: "Its value.") var value: String

        func run() async throws {
            if let node = try await NodeConnection.running(options) {
                try await node.setConfiguration(key, to: value)
            } else {
                let file = ConfigurationFile(options.homeDirectory)
                try file.write(ConfigurationLoader.setting(key, to: value, in: file.read()))
            }
            options.print(ConfigurationEntry(key: key, value: value, source: "file")) { "\($0.key) = \"\($0.value)\"" }
        }
    }
}
