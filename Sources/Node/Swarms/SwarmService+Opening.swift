// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Feeds
internal import Storage
internal import Swarm
internal import Wire

extension SwarmService {
    /// Opens a torrent once, however many ask for it at a time.
    private func openOnce(
        _ hash: Digest160,
        name: String,
        sparse: SparsePieces? = nil,
        make: @escaping @Sendable () async throws -> Torrent
    ) async throws -> Torrent {
        if let torrent = open[hash]?.torrent { return torrent }
        if let task = opening[hash] { return try await task.value }
        let task = Task { try await make() }
        opening[hash] = task
        defer { opening[hash] = nil }
        let torrent = try await task.value
        open[hash] = OpenTorrent(torrent: torrent, sparse: sparse, lastNeeded: .now, name: name)
        return torrent
    }

    /// The torrent of a release of which all files are known here.
    func openWhole(_ entry: ServedTorrent, hash: Digest160) async throws -> Torrent {
        let context = context
        let swarm = swarm
        return try await openOnce(hash, name: Self.name(entry)) {
            let (metainfo, storage, held) = try await context.blocking.run {
                try Self.whole(entry, in: context)
            }
            return try await swarm.add(metainfo, storage: storage, have: held) { $0.wantsEverything = false }
        }
    }

    private static func name(_ entry: ServedTorrent) -> String {
        "\(entry.site.hex.prefix(8)) release \(entry.sequence)"
    }

    /// Blocks.
    private static func whole(
        _ entry: ServedTorrent,
        in context: NodeContext
    ) throws -> (metainfo: Metainfo, storage: MappedPieces, held: Bitfield) {
        let (record, manifest, v1Pieces) = try context.metadata.read { metadata in
            (
                try metadata.release(of: entry.site, seq: entry.sequence),
                try metadata.manifest(of: entry.site, seq: entry.sequence),
                try entry.kind == .v1 ? metadata.v1Pieces(of: entry.site, seq: entry.sequence) : nil
            )
        }
        guard let record, let manifest else {
            throw NodeError(.notFound, "the files of this release are not known here", remedy: "Fetch it first.")
        }
        let tree = try SiteTree(manifest: manifest, pieceLength: record.pieceLength)
        let metainfo = try metainfo(entry.kind, of: tree, v1Pieces: v1Pieces, context)
        let files = manifest.files.map { StoredFile(key: $0.root.map { .file(root: $0) }, length: $0.length) }
        let storage = MappedPieces(map: metainfo.pieceMap, files: files, content: context.content)
        return (metainfo, storage, try storage.held())
    }

    private static func metainfo(
        _ kind: ServedTorrent.Kind,
        of tree: SiteTree,
        v1Pieces: [UInt8]?,
        _ context: NodeContext
    ) throws -> Metainfo {
        switch kind {
        case .v1:
            guard let v1Pieces else {
                throw NodeError(.notFound, "the v1 hashes of this release are not known here", remedy: "Use v2.")
            }
            return try tree.v1Metainfo(pieces: v1Pieces)
        case .v2:
            var layers: [Digest256: [UInt8]] = [:]
            try context.metadata.read { metadata in
                for file in tree.manifest.files where file.length > Int64(tree.pieceLength) {
                    guard let root = file.root, layers[root] == nil else { continue }
                    layers[root] = try metadata.pieceLayer(of: root, pieceLength: tree.pieceLength)
                }
            }
            return try tree.v2Metainfo(pieceLayers: layers)
        }
    }

    /// The v2 torrent of a release of which nothing but its numbers is known.
    func openSparse(_ release: SiteRelease) async throws -> (torrent: Torrent, storage: SparsePieces?) {
        let hash = release.release.v2.truncated
        if let entry = open[hash] { return (entry.torrent, entry.sparse) }
        let storage = SparsePieces(pieceLength: release.release.pieceLength, content: context.content)
        let swarm = swarm
        let (v2, length, count) = (release.release.v2, release.release.pieceLength, release.release.pieces)
        let name = "\(release.site.hex.prefix(8)) release \(release.release.seq)"
        let torrent = try await openOnce(hash, name: name, sparse: storage) {
            try await swarm.add(sparse: v2, pieceLength: length, pieceCount: count, storage: storage)
        }
        return (torrent, open[hash]?.sparse)
    }

    /// Counts a reader of an open torrent, for as long as `body` runs.
    func using<Value: Sendable>(
        _ hash: Digest160,
        _ body: () async throws -> Value
    ) async rethrows -> Value {
        open[hash]?.users += 1
        defer {
            open[hash]?.users -= 1
            open[hash]?.lastNeeded = .now
        }
        return try await body()
    }
}
