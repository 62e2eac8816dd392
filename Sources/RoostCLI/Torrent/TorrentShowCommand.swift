// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BitTorrent

struct TorrentShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Decode and validate a .torrent file or a magnet link."
    )

    @OptionGroup var options: GlobalOptions
    @Argument(help: "A .torrent file or a magnet link.") var torrent: String

    func run() throws {
        let summary =
            Magnet.isMagnet(torrent)
            ? TorrentSummary(try TorrentFiles.magnet(torrent)) : TorrentSummary(try TorrentFiles.load(torrent))
        options.print(summary) { $0.text }
    }
}
