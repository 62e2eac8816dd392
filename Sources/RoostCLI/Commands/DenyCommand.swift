// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Node

struct DenyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deny",
        abstract: "What this node will not store, serve or show.",
        subcommands: [Add.self, Remove.self, List.self, Why.self]
    )

    static func text(_ rule: DenyRule) -> String {
        "\(rule.list)  \(rule.subject) \(rule.value)" + (rule.reason.isEmpty ? "" : "  \(rule.reason)")
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Deny an address or a hash.")
        @OptionGroup var options: GlobalOptions
        @OptionGroup var start: StartChoice
        @Argument(help: "A site address, a magnet link, or site:, v1:, v2: or file: and a hash.") var subject: String
        @Option(help: "Why, for those who ask.") var reason = ""
        @Option(help: "The list to put it on.") var list = "local"

        func run() async throws {
            let rule = try DenyRule(subject, list: list, reason: reason)
            try await NodeConnection.open(options, start).deny(rule)
            options.print(rule) { "Denied: \(DenyCommand.text($0))" }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take a rule back.")
        @OptionGroup var options: GlobalOptions
        @OptionGroup var start: StartChoice
        @Argument(help: "What it denies.") var subject: String
        @Option(help: "The list that it is on.") var list = "local"

        func run() async throws {
            let rule = try DenyRule(subject, list: list, reason: "")
            try await NodeConnection.open(options, start).allow(rule)
            options.print(rule) { "Allowed again: \(DenyCommand.text($0))" }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the rules.")
        @OptionGroup var options: GlobalOptions
        @OptionGroup var start: StartChoice

        func run() async throws {
            let rules = try await NodeConnection.open(options, start).denyRules()
            options.print(rules) { rules in
                rules.isEmpty ? "No rules." : rules.map(DenyCommand.text).joined(separator: "\n")
            }
        }
    }

    struct Why: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Say which list and rule deny an address.")
        @OptionGroup var options: GlobalOptions
        @OptionGroup var start: StartChoice
        @Argument(help: "An address.") var address: String

        func run() async throws {
            let rule = try await NodeConnection.open(options, start).denial(of: address)
            options.print(["rule": rule]) { _ in
                rule.map { "Denied by \(DenyCommand.text($0))" } ?? "Nothing denies it."
            }
        }
    }
}
