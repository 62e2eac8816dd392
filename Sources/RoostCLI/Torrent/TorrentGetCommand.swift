// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BitTorrent
internal import Foundation
internal import Node
internal import Swarm
internal import Wire

struct TorrentGetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Download a torrent, without a node.",
        discussion: """
            What is there already is hashed and kept. With --events it goes on serving after `complete` until its input \
            ends.
            """
    )

    struct Report: Encodable {
        var name: String
        var v1: String?
        var v2: String?
        var dir: String
        var files: Int
        var bytes: Int64
        var received: Int64
        /// Bytes that were taken from other torrents' files.
        var reused: Int64
        var seconds: Double
        var peers: Int
        var trackers: [TrackerReport]
        var webSeeds: [WebSeedReport]
        var queues: [NodeStatus.Torrent.Queue]
    }

    @OptionGroup var options: GlobalOptions
    @OptionGroup var contract: EventContract
    @OptionGroup var network: PeerOptions
    @OptionGroup var sources: SourceOptions
    @OptionGroup var similar: SimilarOptions
    @Argument(help: "A .torrent file or a magnet link.") var torrent: String
    @Option(help: ArgumentHelp("The folder to download into.", valueName: "dir")) var dir: String
    @Option(help: ArgumentHelp("A peer to connect to; may be repeated.", valueName: "host:port")) var peer: [String] =
        []
    @Flag(help: "Fetch only the info dictionary of a magnet link.") var metadataOnly = false
    @Option(help: ArgumentHelp("Give up after this time.", valueName: "seconds")) var timeout: Int?

    func run() async throws {
        let peers = try peer.map { try PeerOptions.endpoint($0) }
        let run = try await TorrentRun(network)
        let lines = contract.makeLines()
        lines.say("ready", ["port": Double(run.endpoint.port)])
        guard await contract.waitForGo(lines) else { return await run.shutdown() }
        do {
            try await download(run, lines, peers)
        } catch {
            await run.shutdown()
            throw error
        }
        await run.shutdown()
    }

    private func download(_ run: TorrentRun, _ lines: EventLines, _ peers: [Endpoint]) async throws {
        let download = TorrentDownload(command: self, run: run, lines: lines, bar: makeBar())
        try await download.run(peers)
    }

    private func makeBar() -> ProgressBar { ProgressBar(shown: options.showsProgress && !contract.events) }
}
