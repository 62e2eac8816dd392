// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Storage
internal import Swarm
internal import Wire

/// Descriptions of torrents that are kept: those that came from peers, and those of .torrent files.
extension SwarmService {
    /// The torrent as it is kept from an earlier time: a hybrid of which only the v1 link was known as v1, as then.
    func storedTree(v1: Digest160?, v2: Digest256?) async throws -> OpenTree? {
        let metadata = context.metadata
        return try await context.blocking.run {
            guard let record = try metadata.read({ try $0.torrent(v1: v1, v2: v2) }), let bytes = record.metainfo else {
                return nil
            }
            let metainfo = try Metainfo(torrentFile: bytes)
            guard let known = record.v2 == nil ? metainfo.v1View : metainfo else { return nil }
            return try OpenTree(known)
        }
    }

    /// Keeps what a .torrent file says, in place of what was known; whoever asks peers for it has it now.
    func keep(_ tree: OpenTree) async throws(NodeError) {
        let context = context
        try await context.blocking.run { try context.keep(tree, over: true) }
        for hash in tree.metainfo.infoHashes.short {
            guard let entry = open[hash], entry.sparse == nil, entry.twin == nil else { continue }
            use(tree.sources, for: hash)
            await tell(entry.torrent, tree)
        }
    }

    /// Has an open torrent know what the tree says, which it may still ask peers for. Returns when it does.
    func tell(_ torrent: Torrent, _ tree: OpenTree) async {
        if await torrent.metainfo() == nil {
            torrent.learn(infoDictionary: tree.metainfo.infoDictionary)
            // Hashed and its storage made ready on another thread; where that fails, whoever needs the torrent says so.
            for _ in 0..<250 where await torrent.metainfo() == nil {
                do { try await Task.sleep(for: .milliseconds(20)) } catch { return }
            }
        }
        if !tree.metainfo.pieceLayers.isEmpty { torrent.learn(pieceLayers: tree.metainfo.pieceLayers) }
    }
}

extension NodeContext {
    /// Of descriptions of torrents: how many are kept, and how many bytes together.
    private static let keptTrees = (count: 1024, bytes: 256 << 20)

    /// Keeps a description, unless there is one and this is not to take its place; those kept longest ago make room.
    func keep(_ tree: OpenTree, over: Bool) throws {
        guard !tree.metainfo.isPrivate else { return }
        let hashes = tree.metainfo.infoHashes
        try metadata.write { connection in
            var record = tree.record
            if let known = try connection.torrent(v1: hashes.v1, v2: hashes.v2) {
                // What a file said has more than what peers send.
                guard over || known.metainfo == nil else { return }
                (record.resume, record.isPinned, record.addedAt) = (known.resume, known.isPinned, known.addedAt)
            }
            try connection.save(record)
            try connection.trimTorrents(count: Self.keptTrees.count, bytes: Self.keptTrees.bytes)
        }
    }
}
