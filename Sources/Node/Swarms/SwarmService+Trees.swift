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
            if let tree = try await storedTree(v1: v1, v2: v2) { return tree }
            return try await findTree(first, hashes.dropFirst().first, known: await peers())
        } catch {
            throw Self.failure(error)
        }
    }

    private func storedTree(v1: Digest160?, v2: Digest256?) async throws -> OpenTree? {
        let metadata = context.metadata
        return try await context.blocking.run {
            let record = try metadata.read { try $0.torrents() }.first { record in
                (v2 != nil && record.v2 == v2) || (v1 != nil && record.v1 == v1)
            }
            guard let bytes = record?.metainfo else { return nil }
            let metainfo = try Metainfo(torrentFile: bytes)
            return try metainfo.infoHashes.short.last.map { try OpenTree(metainfo, hash: $0) }
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

    private func release(_ hash: Digest160) {
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
                try context.metadata.write { try $0.save(tree.record) }
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
    private func makeRoom(_ hash: Digest160) async throws -> Bool {
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

    private func present(_ torrent: Torrent, _ hash: Digest160, name: String) {
        present(OpenTorrent(torrent: torrent, users: 1, lastNeeded: .now, name: name), hash)
        if !givesWhileReading { swarm.listener.unregister(hash) }
    }

    private func adjustTree(_ session: inout SessionConfiguration) {
        adjust(&session)
        session.wantsEverything = false
        if !givesWhileReading { session.uploadSlots = 0 }
    }

    // MARK: Reading and fetching

    /// Runs `body` with the torrent of a tree, opened again if it was closed.
    private func withTorrent<Value: Sendable>(
        of tree: OpenTree,
        _ body: (Torrent) async throws -> Value
    ) async throws -> Value {
        let torrent = try await exclusively(tree.hash) {
            if try await makeRoom(tree.hash), let torrent = open[tree.hash]?.torrent { return torrent }
            let content = context.content
            let (storage, held) = try await context.blocking.run {
                let storage = SiteStorage(content: content, metainfo: tree.metainfo)
                return (storage, storage.known())
            }
            let torrent = try await swarm.add(tree.metainfo, storage: storage, have: held) { adjustTree(&$0) }
            present(torrent, tree.hash, name: tree.name)
            use(tree.sources, for: tree.hash)
            return torrent
        }
        defer { release(tree.hash) }
        return try await body(torrent)
    }

    /// Verified bytes of a file from `offset`: at least one, at most `count`, as soon as they are here.
    func read(
        _ tree: OpenTree,
        _ file: OpenTree.File,
        at offset: Int64,
        count: Int,
        peers: @Sendable () async -> KnownPeers
    ) async throws(NodeError) -> [UInt8] {
        guard let key = file.key, offset >= 0, offset < file.length, count > 0 else { return [] }
        let wanted = Int(min(Int64(count), file.length - offset))
        let proof = tree.proof(of: file)
        do {
            if let bytes = try await held(key, file.length, at: offset, count: wanted, proof) { return bytes }
            let map = tree.metainfo.pieceMap
            guard let first = map.piece(file: file.number, offset: offset),
                let last = map.piece(file: file.number, offset: offset + Int64(wanted) - 1)
            else { throw Torrent.Failure.outOfRange }
            for _ in 0..<Self.readAttempts {
                try await withTorrent(of: tree) { torrent in
                    torrent.want(pieces: Int(first.raw)..<Int(last.raw) + 1)
                    meet(await peers(), for: tree.hash)
                    beginSearch(tree.hash)
                    try await torrent.waitFor(pieces: [Int(first.raw)])
                }
                if let bytes = try await held(key, file.length, at: offset, count: wanted, proof) { return bytes }
                context.content.noteMissing(key)
                await followContent()
            }
        } catch {
            throw Self.failure(error)
        }
        throw NodeError(.inputOutput, "bytes that had arrived could not be read", remedy: "Run `roost doctor`.")
    }

    /// Gets all files of a tree that are not held yet, and makes them durable. May be cancelled.
    @discardableResult
    func fetchAll(
        _ tree: OpenTree,
        peers: @Sendable () async -> KnownPeers,
        report: @escaping @Sendable (NodeProgress) -> Void = { _ in }
    ) async throws(NodeError) -> Fetched {
        do {
            let fetched = try await withTorrent(of: tree) { torrent in
                let before = await torrent.traffic()
                torrent.want(pieces: tree.metainfo.pieceMap.indices)
                meet(await peers(), for: tree.hash)
                beginSearch(tree.hash)
                return try await wait(for: torrent, of: tree, before: before, report: report)
            }
            let content = context.content
            try await context.blocking.run { try content.checkpoint() }
            return fetched
        } catch {
            throw Self.failure(error)
        }
    }

    private func wait(
        for torrent: Torrent,
        of tree: OpenTree,
        before: Traffic,
        report: @escaping @Sendable (NodeProgress) -> Void
    ) async throws -> Fetched {
        let watch = FetchWatch(torrent, copies: [:])
        let number = torrent.observe { watch.receive($0) }
        defer { torrent.removeObserver(number) }
        var fetched = Fetched()
        var meter = FetchMeter(tree.metainfo.pieceMap, patience: patience)
        while true {
            guard let status = await torrent.status(), let verified = await torrent.verified() else {
                throw Torrent.Failure.stopped
            }
            if let piece = watch.failedPiece { throw Torrent.Failure.storage(piece) }
            fetched.received = status.received - before.received
            fetched.peers = max(fetched.peers, status.peers)
            if let progress = meter.progress(verified) { report(progress) }
            if verified.isFull { return fetched }
            try meter.check(peers: status.peers, downloaded: status.downloaded)
            try await watch.wait(atMost: FetchMeter.interval)
        }
    }

    /// Forgets a tree and what is held of it alone.
    func remove(_ tree: OpenTree) async throws(NodeError) {
        await close(tree.hash)
        let context = context
        try await context.blocking.run {
            try context.metadata.write {
                try $0.removeTorrent(v1: tree.metainfo.infoHashes.v1, v2: tree.metainfo.infoHashes.v2)
            }
            // Files by root may be of others too: they go when the quota wants them to.
            for file in tree.files { if case .v1? = file.key, let key = file.key { try context.content.remove(key) } }
        }
    }
}

extension SwarmService {
    /// Bytes of a file that are held already; throws `.unavailable` where the first is not.
    func readHeld(
        _ file: OpenTree.File,
        of tree: OpenTree,
        at offset: Int64,
        count: Int
    ) async throws(NodeError) -> [UInt8] {
        guard let key = file.key, offset >= 0, offset < file.length, count > 0 else { return [] }
        let wanted = Int(min(Int64(count), file.length - offset))
        let bytes = try await held(key, file.length, at: offset, count: wanted, tree.proof(of: file))
        if let bytes { return bytes }
        throw NodeError(
            .unavailable,
            "this part of the file is not here",
            remedy: "Open the page itself: peers are asked only for what its reader opened."
        )
    }
}
