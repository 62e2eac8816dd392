// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Foundation
internal import Node

/// An address as a user gives it: what the node understands, or a .torrent file, which only this process may read.
enum AddressArgument {
    /// For the node: `text` itself, or the magnet link of the torrent in the file that it names.
    static func resolve(_ text: String) throws -> String {
        guard isFile(text) else { return text }
        let torrent = try TorrentFiles.load(text)
        guard !torrent.isPrivate else {
            throw NodeError(
                .notPermitted,
                "\(text) is a private torrent: its peers may come only from its tracker",
                remedy: "Use `roost torrent get`."
            )
        }
        var magnet = Magnet(infoHashes: torrent.infoHashes)
        magnet.trackers = torrent.sources.trackers.flatMap { $0 }
        magnet.webSeeds = torrent.sources.webSeeds
        return magnet.description
    }

    private static func isFile(_ text: String) -> Bool {
        guard !text.contains("://"), !Magnet.isMagnet(text) else { return false }
        return text.lowercased().hasSuffix(".torrent") || FileManager.default.fileExists(atPath: text)
    }
}
