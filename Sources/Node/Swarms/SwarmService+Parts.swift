// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Feeds
internal import Storage
internal import Swarm
internal import Wire

/// Releases of which only some pages were read: what was verified of them is served, after a restart as before it.
extension SwarmService {
    /// Serves what is here of a release, from now on, to whoever names its v2 hash; 400 bytes until somebody comes.
    func serveParts(of release: SiteRelease) {
        let hash = release.release.v2.truncated
        parts[hash] = release
        if swarm.torrent(hash) == nil { listen(for: hash) }
    }

    /// The torrent with all that is here of a release.
    func openParts(of release: SiteRelease) async throws -> Torrent {
        let (torrent, storage) = try await openSparse(release)
        guard let storage else { return torrent }
        let context = context
        let held = try await context.blocking.run { try HeldParts(of: release, in: context) }
        // One that does not fit belongs to a directory that contradicts itself; the others are as they were verified.
        _ = await torrent.add(files: held.files.filter(storage.add))
        torrent.learn(pieceLayers: held.layers)
        let known = try await context.blocking.run { storage.known() }
        for piece in known.indices { torrent.found(pieces: piece..<piece + 1) }
        return torrent
    }
}

/// The files of a release of which bytes are here, and the hashes that their pieces are proven with.
private struct HeldParts: Sendable {
    var files: [TorrentContent.HashedFile] = []
    var layers: [Digest256: [UInt8]] = [:]

    init(of release: SiteRelease, in context: NodeContext) throws {
        let pieceLength = release.release.pieceLength
        for file in try DirectoryShelf(metadata: context.metadata).knownFiles(of: release) {
            guard let root = file.root, try !context.content.verified(.file(root: root), length: file.length).isEmpty
            else { continue }
            files.append(.init(firstPiece: file.firstPiece, length: file.length, root: root))
            guard file.length > Int64(pieceLength), layers[root] == nil else { continue }
            let noted = try context.metadata.read { try $0.pieceLayer(of: root, pieceLength: pieceLength) }
            layers[root] = try noted ?? context.content.pieceLayer(of: root, pieceLength: pieceLength)
        }
    }
}
