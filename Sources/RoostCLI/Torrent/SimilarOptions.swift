// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BitTorrent
internal import Foundation
internal import Node
internal import Swarm

/// Where files may lie that a new torrent has in common with others (BEP 38).
struct SimilarOptions: ParsableArguments {
    /// .torrent files of one folder that are looked at.
    static let maximumTorrents = 10_000

    @Option(
        help: ArgumentHelp(
            "Take what is the same from another torrent's files: its .torrent, or a folder of them; may be repeated.",
            discussion: """
                The files are looked for beside the .torrent and in --dir. Of a folder, those torrents are taken that the                 new one names, or that are of one collection with it (BEP 38). Everything is hashed before it is used.
                """,
            valueName: "path"
        )
    ) var similar: [String] = []

    /// The torrents whose files may serve for `metainfo`, which is downloaded into `directory`.
    func sources(for metainfo: Metainfo, _ directory: String) throws -> [SimilarFiles.Source] {
        var sources: [SimilarFiles.Source] = []
        for path in similar {
            for (other, folder) in try torrents(at: path, for: metainfo) where other.infoHashes != metainfo.infoHashes {
                for place in Set([folder, directory]).sorted() {
                    guard let storage = try? TorrentFiles.storage(other, at: place, mustExist: true) else { continue }
                    sources.append(SimilarFiles.Source(other, storage))
                }
            }
        }
        return sources
    }

    private func torrents(at path: String, for metainfo: Metainfo) throws -> [(Metainfo, folder: String)] {
        let values = try? URL(fileURLWithPath: path).resourceValues(forKeys: [.isDirectoryKey])
        guard FileManager.default.fileExists(atPath: path), let isFolder = values?.isDirectory else {
            throw NodeError(.noInput, "\(path) is not there", remedy: "Give a .torrent file or a folder of them.")
        }
        guard isFolder else {
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
            return [(try TorrentFiles.load(path), folder)]
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".torrent") }
        return names.sorted().prefix(Self.maximumTorrents).compactMap { name in
            // One that cannot be read is of no use, and of no harm.
            guard let other = try? TorrentFiles.load(path + "/" + name), metainfo.isSimilar(to: other) else {
                return nil
            }
            return (other, path)
        }
    }

    /// Fills what is missing from the files of others. Blocks.
    ///
    /// - Returns: what is there now, and the pieces that came from others.
    func fill(
        _ have: Bitfield,
        _ metainfo: Metainfo,
        _ content: TorrentContent,
        _ storage: DirectoryStorage,
        _ directory: String
    ) throws -> (have: Bitfield, reused: Bitfield) {
        let missing = (0..<content.pieceCount).filter { !have[$0] }.map { PieceIndex(Int32($0)) }
        guard !similar.isEmpty, !missing.isEmpty else { return (have, Bitfield(count: content.pieceCount)) }
        let files = SimilarFiles(metainfo, content: content, sources: try sources(for: metainfo, directory))
        let threads = ProcessInfo.processInfo.activeProcessorCount
        let reused = files.fill(missing, into: storage, threads: threads)
        var have = have
        for piece in reused.indices { have[piece] = true }
        return (have, reused)
    }
}
