// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Node

struct DHTCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dht",
        abstract: "Look inside the DHT.",
        subcommands: [Get.self, Put.self, Find.self, Table.self, DHTNodeCommand.self]
    )

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Read an item (BEP 44).")
        @OptionGroup var options: GlobalOptions
        @OptionGroup var start: StartChoice
        @Argument(help: "40 hex digits of a target, or 64 of a public key.") var name: String
        @Option(help: "The salt of a mutable item, in hex.") var salt: String?

        func run() async throws {
            let query = DHTItemQuery(
                target: name.utf8.count == 40 ? name : nil,
                key: name.utf8.count == 40 ? nil : name,
                salt: salt
            )
            options.print(try await NodeConnection.open(options, start).dhtGet(query)) { item in
                "\(item.value)" + (item.seq.map { "  seq \($0)" } ?? "") + "  from \(Plural.count(item.nodes, "node"))"
            }
        }
    }

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Store a text as an item (BEP 44).")
        @OptionGroup var options: GlobalOptions
        @OptionGroup var start: StartChoice
        @Argument(help: "The text, at most 990 bytes.") var text: String
        @Option(help: ArgumentHelp("Sign it with this identity: a mutable item.", valueName: "identity")) var by:
            String?
        @Option(help: "The salt of a mutable item, in hex.") var salt: String?

        func run() async throws {
            let request = DHTPutRequest(value: text, by: by, salt: salt)
            options.print(try await NodeConnection.open(options, start).dhtPut(request)) { result in
                "Stored at \(Plural.count(result.nodes, "node")) under \(result.target)"
                    + (result.seq.map { ", seq \($0)" } ?? "")
                    + "."
            }
        }
    }

    struct Find: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Find the nodes closest to a target.")
        @OptionGroup var options: GlobalOptions
        @OptionGroup var start: StartChoice
        @Argument(help: "40 hex digits.") var target: String
        @Flag(help: "Show first which nodes led there, each closer than the one before.") var trace = false

        func run() async throws {
            options.print(try await NodeConnection.open(options, start).dhtFind(target)) { found in
                let path = trace ? found.path.map { "by  \(Self.text($0))" } : []
                return (path + found.nodes.map(Self.text)).joined(separator: "\n")
            }
        }

        private static func text(_ node: DHTContact) -> String {
            "\(node.distance ?? "")  \(node.id)  \(node.address)"
        }
    }

    struct Table: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the routing tables.")
        @OptionGroup var options: GlobalOptions

        func run() async throws {
            let node = try await NodeConnection.open(options, .never)
            options.print(await node.dhtTable()) { tables in
                tables.map(Self.text).joined(separator: "\n")
            }
        }

        static func text(_ table: DHTTable) -> String {
            let head =
                "\(table.network): node \(table.id), \(table.items) items and \(table.announces) announces stored"
            let buckets = table.buckets.map { bucket in
                "  depth \(bucket.depth), \(Plural.count(bucket.nodes.count, "node"))\n"
                    + bucket.nodes.map { "    \($0.id)  \($0.address)" }.joined(separator: "\n")
            }
            return ([head] + buckets).joined(separator: "\n")
        }
    }
}
