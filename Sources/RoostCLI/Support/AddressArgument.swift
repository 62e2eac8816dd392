// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Foundation
internal import Node

/// An address as a user gives it: what the node understands, or a .torrent file, which only this process may read.
enum AddressArgument: Equatable {
    /// As it was given.
    case link(String)
    /// The bytes of a .torrent file.
    case torrent([UInt8])

    /// Throws where `text` names a file that is no torrent for a node, before any node is started for it.
    init(_ text: String) throws {
        guard Self.isFile(text) else {
            self = .link(text)
            return
        }
        let bytes = try TorrentFiles.read(text)
        guard try !TorrentFiles.parse(bytes, from: text).isPrivate else {
            throw NodeError(
                .notPermitted,
                "\(text) is a private torrent: its peers may come only from its tracker",
                remedy: "Use `roost torrent get`."
            )
        }
        self = .torrent(bytes)
    }

    /// The link by which the node knows it: of a torrent, once the node has its description.
    func link(for node: some NodeControl) async throws(NodeError) -> String {
        switch self {
        case .link(let text): text
        case .torrent(let file): try await node.learn(torrent: file)
        }
    }

    private static func isFile(_ text: String) -> Bool {
        guard !text.contains("://"), !Magnet.isMagnet(text) else { return false }
        return text.lowercased().hasSuffix(".torrent") || FileManager.default.fileExists(atPath: text)
    }
}
