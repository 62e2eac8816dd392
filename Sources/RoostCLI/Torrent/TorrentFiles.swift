// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Foundation
internal import Node
internal import Swarm

/// Reading .torrent files and links, and what to say when they are no good.
enum TorrentFiles {
    /// The torrent in a file.
    static func load(_ path: String) throws -> Metainfo {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw NodeError(.noInput, "\(path) cannot be read", remedy: "Check the path and its permissions.")
        }
        do {
            return try Metainfo(torrentFile: Array(data))
        } catch {
            throw NodeError(
                .badData,
                "\(path) is no torrent that can be used: \(error)",
                remedy: "Get the file again from where it was published."
            )
        }
    }

    static func magnet(_ text: String) throws -> Magnet {
        let magnet: Magnet
        do {
            magnet = try Magnet(text)
        } catch {
            throw NodeError(.badData, "The link is not valid: \(error)", remedy: "Copy the whole link again.")
        }
        guard !magnet.infoHashes.isEmpty else {
            throw NodeError(
                .badData,
                "The link names a publisher and no torrent",
                remedy: "Open it with `roost open`, which follows publishers."
            )
        }
        return magnet
    }

    static func storage(_ metainfo: Metainfo, at path: String) throws -> DirectoryStorage {
        do throws(PieceStorageError) {
            return try DirectoryStorage(metainfo, at: path)
        } catch {
            throw failure(error, path)
        }
    }

    static func failure(_ error: PieceStorageError, _ path: String) -> NodeError {
        switch error {
        case .system(let code, let file):
            // SAFETY: the text is the C library's, and is copied at once.
            let reason = unsafe String(cString: strerror(code))
            let kind: NodeError.Kind = code == EACCES || code == EPERM ? .notPermitted : .inputOutput
            return NodeError(
                kind,
                "\(file): \(reason)",
                remedy: "Check the folder \(path), its permissions and its space."
            )
        case .endOfFile(let file):
            return NodeError(.inputOutput, "\(file) is too short", remedy: "Run `roost torrent check` on \(path).")
        case .noSuchPiece(let piece):
            return NodeError(.internal, "Piece \(piece) is not of this torrent", remedy: "Report this.")
        case .unsafeName(let why):
            return NodeError(
                .badData,
                "A file's name cannot be kept safely: \(why)",
                remedy: "Do not use this torrent."
            )
        }
    }
}
