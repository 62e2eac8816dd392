// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Storage
internal import Swarm
internal import Wire

extension SwarmService {
    /// The torrent of these infohashes, as soon as its metadata is known: from an earlier time, or from peers.
    ///
    /// Where both are given they name one hybrid torrent or two twins; v2 is asked for first, v1 beside it when nobody
    /// answers. The metadata is kept.
    func openTree(
        v1: Digest160?,
        v2: Digest256?,
        peers: @Sendable () async -> KnownPeers
    ) async throws(NodeError) -> OpenTree {
        do {
            let hashes = [v2.map { InfoHashes(v2: $0) }, v1.map { InfoHashes(v1: $0) }].compactMap(\.self)
            guard let first = hashes.first else {
                throw NodeError(.usage, "no infohash is given", remedy: "Name a v1 or v2 infohash.")
            }
            let stored = try await storedTree(v1: v1, v2: v2)
            let tree =
                if let stored { stored } else {
                    try await findTree(first, hashes.dropFirst().first, known: await peers())
                }
            if tree.metainfo.isPrivate {
                await close(tree.hash)
                throw OpenTree.isPrivate
            }
            return tree
        } catch {
            throw Self.failure(error)
        }
    }

    private func findTree(_ first: InfoHashes, _ second: InfoHashes?, known: KnownPeers) async throws -> OpenTree {
        let start = ContinuousClock.now
        var asked = [first]
        try await ask(first, known)
        defer { for hashes in asked { release(hashes.short[0]) } }
        while true {
            for hashes in asked {
                guard let metainfo = await open[hashes.short[0]]?.torrent.metainfo() else { continue }
                return try OpenTree(metainfo, hash: hashes.short[0], sources: known.sources)
            }
            let waited = ContinuousClock.now - start
            if let second, asked.count == 1, waited >= patience.twin {
                try await ask(second, known)
                asked.append(second)
            }
            guard waited < patience.alone else {
                throw NodeError(
                    .unavailable,
                    "no peer was found that knows this torrent",
                    remedy: "Try again later, or name a peer that has it with --peer HOST:PORT."
                )
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Counts a user less.
    func release(_ hash: Digest160) {
        open[hash]?.users -= 1
        open[hash]?.lastNeeded = .now
    }

    /// Opens a magnet and counts a user of it.
    private func ask(_ hashes: InfoHashes, _ known: KnownPeers) async throws {
        let hash = hashes.short[0]
        try await exclusively(hash) {
            if try await makeRoom(hash) { return }
            let context = context
            let torrent = try await swarm.add(magnet: hashes) { metainfo, _ in
                let tree = try OpenTree(metainfo, hash: hash, sources: known.sources)
                try context.keep(tree, over: false)
                let storage = SiteStorage(content: context.content, metainfo: metainfo)
                return (storage, storage.known())
            } adjust: {
                adjustTree(&$0)
            }
            present(torrent, hash, name: hash.hex)
        }
        meet(known, for: hash)
        beginSearch(hash)
    }

    /// To be called exclusively. Whether a torrent of this hash with metadata is open; then it has a user more.
    func makeRoom(_ hash: Digest160) async throws -> Bool {
        guard let entry = open[hash] else { return false }
        guard entry.sparse != nil || entry.twin != nil else {
            open[hash]?.users += 1
            return true
        }
        guard entry.users == 0 else {
            throw NodeError(.busy, "this torrent is being read as a release", remedy: "Read it through its site.")
        }
        await retire(hash)
        return false
    }

    /// Enters it with one user.
    func present(_ torrent: Torrent, _ hash: Digest160, name: String) {
        present(OpenTorrent(torrent: torrent, users: 1, lastNeeded: .now, name: name), hash)
        if !givesWhileReading { swarm.listener.unregister(hash) }
    }

    /// What sessions of such torrents have in common.
    func adjustTree(_ session: inout SessionConfiguration) {
        adjust(&session)
        session.wantsEverything = false
        if !givesWhileReading { session.uploadSlots = 0 }
    }
}
