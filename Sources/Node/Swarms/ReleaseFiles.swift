// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Storage
internal import Swarm
internal import Wire

/// A release all of whose files are known, though not all need be held: what its torrents are made from.
///
/// Memory: some 200 bytes a file. Its calls block on the database and the content store.
struct ReleaseFiles: Sendable {
    let record: ReleaseRecord
    let tree: SiteTree

    /// Fails with `.badData` where the files are not those that the release names.
    init(_ release: SiteRelease, manifest: ReleaseManifest) throws(NodeError) {
        record = release.record
        do {
            tree = try SiteTree(manifest: manifest, pieceLength: record.pieceLength)
            guard try tree.v2Metainfo().infoHashes.v2 == record.v2, try tree.directory() == record.directory else {
                throw Self.broken
            }
        } catch {
            throw Self.broken
        }
    }

    private init(record: ReleaseRecord, tree: SiteTree) {
        self.record = record
        self.tree = tree
    }

    static let broken = NodeError(
        .badData,
        "the files of this release are not those that its publisher signed for",
        remedy: "The release is broken: tell its publisher, or read an earlier one."
    )

    /// What an earlier fetch or publish has noted.
    static func stored(_ entry: ServedTorrent, in context: NodeContext) throws -> ReleaseFiles {
        let (record, manifest) = try context.metadata.read { metadata in
            (
                try metadata.release(of: entry.site, seq: entry.sequence),
                try metadata.manifest(of: entry.site, seq: entry.sequence)
            )
        }
        guard let record, let manifest else {
            throw NodeError(.notFound, "the files of this release are not known here", remedy: "Fetch it first.")
        }
        return ReleaseFiles(record: record, tree: try SiteTree(manifest: manifest, pieceLength: record.pieceLength))
    }

    /// The info dictionary of one of the twins, with the piece layers that are known.
    func metainfo(_ kind: ServedTorrent.Kind, in context: NodeContext) throws -> Metainfo {
        switch kind {
        case .v1:
            let (site, seq) = (record.site, record.seq)
            guard let pieces = try context.metadata.read({ try $0.v1Pieces(of: site, seq: seq) }) else {
                throw NodeError(.notFound, "the v1 hashes of this release are not known here", remedy: "Use v2.")
            }
            return try tree.v1Metainfo(pieces: pieces)
        case .v2: return try tree.v2Metainfo(pieceLayers: try layers(in: context))
        }
    }

    /// The piece layers of the files that are longer than a piece: as noted, or made from the files that are held, and
    /// noted. Without them a file can be read here, but no peer could verify what it gets of it.
    func layers(in context: NodeContext) throws -> [Digest256: [UInt8]] {
        let roots = Set(tree.manifest.files.lazy.filter { $0.length > Int64(tree.pieceLength) }.compactMap(\.root))
        var layers: [Digest256: [UInt8]] = [:]
        try context.metadata.read { metadata in
            for root in roots { layers[root] = try metadata.pieceLayer(of: root, pieceLength: tree.pieceLength) }
        }
        var made: [Digest256: [UInt8]] = [:]
        for root in roots where layers[root] == nil {
            made[root] = try context.content.pieceLayer(of: root, pieceLength: tree.pieceLength)
        }
        try context.note(made, pieceLength: tree.pieceLength)
        return layers.merging(made) { known, _ in known }
    }

    /// Either twin over the store's files.
    func storage(_ map: PieceMap, in content: ContentStore) -> SiteStorage {
        let files = tree.manifest.files.map { file in
            file.root.map { SiteStorage.File(key: .file(root: $0), length: file.length) }
        }
        return SiteStorage(content: content, map: map, files: files)
    }

    var roots: [Digest256] { tree.manifest.files.compactMap(\.root) }

    /// Each root once, with its first place in the v2 torrent and all others.
    func places() -> PiecePlaces { PiecePlaces(self) }
}

/// Where in a v2 torrent each content stands: files that are alike are downloaded once.
struct PiecePlaces: Sendable {
    /// By root: the pieces of all its places, the first of them first.
    private(set) var byRoot: [Digest256: [Range<Int>]] = [:]
    /// Pieces of the first of each, in runs.
    private(set) var first: [Range<Int>] = []
    /// By a piece of the first: the pieces that are like it.
    private(set) var copies: [Int: [Int]] = [:]

    init(_ files: ReleaseFiles) {
        let step = Int64(files.tree.pieceLength)
        for (index, file) in files.tree.manifest.files.enumerated() {
            guard let root = file.root else { continue }
            let start = files.tree.firstPieces[index]
            let count = Int((file.length + step - 1) / step)
            byRoot[root, default: []].append(start..<start + count)
            if let original = byRoot[root]?.first?.lowerBound, original != start {
                for piece in 0..<count { copies[original + piece, default: []].append(start + piece) }
                continue
            }
            if let last = first.last, last.upperBound == start {
                first[first.count - 1] = last.lowerBound..<start + count
            } else {
                first.append(start..<start + count)
            }
        }
    }
}
