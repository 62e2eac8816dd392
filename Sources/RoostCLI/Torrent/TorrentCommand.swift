// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

/// `roost torrent`: plain BitTorrent, without a node.
struct TorrentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "torrent",
        abstract: "Create, inspect, download and serve torrents, without a node.",
        subcommands: [
            TorrentCreateCommand.self, TorrentShowCommand.self, TorrentGetCommand.self, TorrentSeedCommand.self,
            TorrentCheckCommand.self,
        ]
    )
}
