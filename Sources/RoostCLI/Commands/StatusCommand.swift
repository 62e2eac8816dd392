// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Node

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "Show what the node does.")

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let node = try await NodeConnection.open(options, .never)
        options.print(await node.status(), text: Self.text)
    }

    static func text(_ status: NodeStatus) -> String {
        var lines = [
            "roost \(status.version), running for \(Int(status.uptime)) s as process \(status.pid)",
            "  peer     \(status.peerID)",
            "  listens  \(status.listen.joined(separator: ", "))",
            "  gateway  \(status.gateway)",
            "  memory   \(ProgressBar.bytes(status.memory))",
            "  serves   \(status.serve); \(status.exposed)",
        ]
        if let limits = status.limits { lines += text(limits) }
        lines += status.networks.map {
            "  network  \($0.name): \($0.dhtNodes) DHT nodes"
                + ($0.dhtNodes6.map { " (\($0) of IPv6)" } ?? "")
                + ", \($0.reachable ? "reachable" : "not seen from outside")"
                + ($0.dhtNodes6 == nil ? ($0.ipv6.map { "; IPv6: \($0)" } ?? "") : "")
                + ($0.mapping.map { "; \($0)" } ?? "")
        }
        lines += status.torrents.map {
            "  torrent  \(PlainText.word($0.name)) \(Int($0.progress * 100)) % \($0.state), \($0.peers) peers, "
                + "\(ProgressBar.bytes($0.down)) down, \(ProgressBar.bytes($0.up)) up"
        }
        return lines.joined(separator: "\n")
    }

    /// What is limited, in lines; nothing where the line is anybody's.
    private static func text(_ limits: NodeStatus.Limits) -> [String] {
        let rates = [
            ("down", limits.download), ("up", limits.upload), ("down a torrent", limits.torrentDownload),
            ("up a torrent", limits.torrentUpload), ("down a network", limits.networkDownload),
            ("up a network", limits.networkUpload),
        ]
        let words = rates.filter { $0.1 > 0 }.map { "\(ProgressBar.bytes(Int64($0.1)))/s \($0.0)" }
        return words.isEmpty ? [] : ["  limits   " + words.joined(separator: ", ")]
    }
}

struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "stop", abstract: "End the node.")

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        try await NodeConnection.stop(options)
        options.print(["stopped": true]) { _ in "Stopped." }
    }
}

struct PeersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "peers", abstract: "List the connected peers.")

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let node = try await NodeConnection.open(options, .never)
        options.print(await node.peers()) { peers in
            peers.isEmpty
                ? "No peers are connected."
                : peers.map {
                    "\($0.address)  \(PlainText.word($0.client))  \(PlainText.word($0.swarm))  \(Int($0.progress * 100)) %"
                }
                .joined(separator: "\n")
        }
    }
}
