// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Storage
internal import Swarm
internal import Wire

/// Reading and fetching a torrent that is no release.
extension SwarmService {
    /// Runs `body` with the torrent of a tree and the hash under which it is open, opened again if it was closed.
    private func withTorrent<Value: Sendable>(
        of tree: OpenTree,
        _ body: (Torrent, Digest160) async throws -> Value
    ) async throws -> Value {
        let (torrent, hash) = try await opened(tree)
        defer { release(hash) }
        return try await body(torrent, hash)
    }

    /// A hybrid may be open under either hash, or as v1 only, which gives way. It has a user more.
    private func opened(_ tree: OpenTree) async throws -> (Torrent, Digest160) {
        for hash in tree.metainfo.infoHashes.short where open[hash] != nil {
            let found = try await exclusively(hash) { try await makeRoom(hash) ? open[hash]?.torrent : nil }
            guard let found else { continue }
            var known = await found.metainfo()
            if known == nil {
                await tell(found, tree)
                known = await found.metainfo()
            }
            if known?.infoHashes == tree.metainfo.infoHashes { return (found, hash) }
            release(hash)
            guard open[hash]?.users == 0 else {
                throw NodeError(
                    .busy,
                    "this torrent is being read by its v1 link",
                    remedy: "Try again when that has ended."
                )
            }
            await close(hash)
        }
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
        return (torrent, tree.hash)
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
                try await withTorrent(of: tree) { torrent, hash in
                    torrent.want(pieces: Int(first.raw)..<Int(last.raw) + 1)
                    meet(await peers(), for: hash)
                    beginSearch(hash)
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
            let fetched = try await withTorrent(of: tree) { torrent, hash in
                let before = await torrent.traffic()
                torrent.want(pieces: tree.metainfo.pieceMap.indices)
                meet(await peers(), for: hash)
                beginSearch(hash)
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
            // In this order: what is verified has been counted.
            guard let verified = await torrent.verified(), let status = await torrent.status() else {
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
