// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Foundation
internal import Node
internal import Swarm

/// Reading .torrent files and links, and what to say when they are no good.
enum TorrentFiles {
    /// The bytes of a file that is to be a torrent.
    static func read(_ path: String) throws -> [UInt8] {
        try UserFile(path).read(limit: ControlRoute.longestTorrent)
    }

    /// The torrent in a file.
    static func load(_ path: String) throws -> Metainfo { try parse(try read(path), from: path) }

    static func parse(_ bytes: [UInt8], from path: String) throws -> Metainfo {
        do {
            return try Metainfo(torrentFile: bytes)
        } catch {
            throw NodeError(
                .badData,
                "\(path) is no torrent that can be used: \(error)",
                remedy: "Get the file again from where it was published."
            )
        }
    }

    /// What a session has to know of it.
    static func content(_ metainfo: Metainfo) throws -> TorrentContent {
        if let content = TorrentContent(metainfo) { return content }
        let longest = Int64(TorrentContent.maximumPieceLength)
        guard metainfo.pieceLength > longest else {
            throw NodeError(.badData, "The torrent has too many pieces", remedy: "Make it again with longer pieces.")
        }
        throw NodeError(
            .badData,
            "The torrent's pieces are \(ProgressBar.bytes(Int64(metainfo.pieceLength))) long, and at most "
                + "\(ProgressBar.bytes(longest)) are held in memory",
            remedy: "Make it again with shorter pieces."
        )
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

    /// The folder that holds a torrent's files; made where there is none, unless it `mustExist`.
    static func storage(_ metainfo: Metainfo, at path: String, mustExist: Bool = false) throws -> DirectoryStorage {
        if mustExist, !FileManager.default.fileExists(atPath: path) {
            throw NodeError(.noInput, "\(path) is not there", remedy: "Give the folder that holds the files.")
        }
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
            let kind: NodeError.Kind =
                switch code {
                case EACCES, EPERM: .notPermitted
                case ENOENT, ENOTDIR, EROFS, ELOOP, ENAMETOOLONG: .cannotCreate
                default: .inputOutput
                }
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
