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

    /// Throws where `text` names a file that cannot be read.
    init(_ text: String) throws {
        self = Self.isFile(text) ? .torrent(try TorrentFiles.read(text)) : .link(text)
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
