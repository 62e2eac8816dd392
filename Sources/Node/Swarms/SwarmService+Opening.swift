// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Feeds
internal import Logging
internal import Storage
internal import Swarm
internal import Wire

extension SwarmService {
    /// Runs `body` while nobody else opens, replaces or closes the torrent of this hash.
    func exclusively<Value: Sendable>(
        _ hash: Digest160,
        _ body: () async throws -> Value
    ) async rethrows -> Value {
        while changing[hash] != nil {
            await withCheckedContinuation { changing[hash, default: []].append($0) }
        }
        changing[hash] = []
        defer { for waiter in changing.removeValue(forKey: hash) ?? [] { waiter.resume() } }
        return try await body()
    }

    /// What all sessions of this node have in common.
    func adjust(_ session: inout SessionConfiguration) {
        let maximum = context.configuration.limits.maximumPeers
        // One torrent never takes the room of all others.
        session.maximumConnections = max(8, min(session.maximumConnections, maximum / 2))
        // On a network of our own nobody but its members is to hear of us.
        session.exchangesPeers = context.configuration.network == "mainline"
        session.rateClass = context.configuration.network
        session.dhtPort = finder.dhtPort
    }

    /// Whether what is only read is given to peers.
    var givesWhileReading: Bool { context.configuration.effectiveServe != .own }

    // MARK: Torrents of releases

    /// The torrent of a release of which all files are known here.
    func openWhole(_ entry: ServedTorrent, hash: Digest160) async throws -> Torrent {
        try await exclusively(hash) {
            if let torrent = open[hash]?.torrent { return torrent }
            let context = context
            let files = try await context.blocking.run { try ReleaseFiles.stored(entry, in: context) }
            if entry.kind == .v1 { try await hashTwin(files) }
            return try await openWhole(files, entry.kind)
        }
    }

    /// As ``openWhole(_:hash:)``, in place of one that is open file by file.
    func replaceSparse(with files: ReleaseFiles) async throws -> Torrent {
        let hash = files.record.v2.truncated
        return try await exclusively(hash) {
            var users = 0
            var known: [Endpoint] = []
            if let entry = open[hash] {
                guard entry.sparse != nil else { return entry.torrent }
                users = entry.users
                known = await entry.torrent.peers()
                await retire(hash)
            }
            let torrent = try await openWhole(files, .v2)
            // Those who read from the sparse one try again with this.
            open[hash]?.users += users
            torrent.add(peers: known)
            return torrent
        }
    }

    /// To be called exclusively.
    private func openWhole(_ files: ReleaseFiles, _ kind: ServedTorrent.Kind) async throws -> Torrent {
        let context = context
        let (metainfo, storage, held) = try await context.blocking.run {
            let metainfo = try files.metainfo(kind, in: context)
            let storage = files.storage(metainfo.pieceMap, in: context.content)
            return (metainfo, storage, storage.known())
        }
        let torrent = try await swarm.add(metainfo, storage: storage, have: held) { session in
            session.wantsEverything = false
            adjust(&session)
        }
        let name = Self.name(of: files.record.site, files.record.seq)
        let entry = OpenTorrent(torrent: torrent, site: files.record.site, lastNeeded: .now, name: name)
        present(entry, metainfo.infoHashes.short[0])
        return torrent
    }

    private static func name(of site: Digest256, _ sequence: Int64) -> String {
        "\(site.hex.prefix(8)) release \(sequence)"
    }

    /// The v2 torrent of a release of which nothing but its numbers is known.
    func openSparse(_ release: SiteRelease) async throws -> (torrent: Torrent, storage: SiteStorage?) {
        let hash = release.release.v2.truncated
        return try await exclusively(hash) {
            if let entry = open[hash] { return (entry.torrent, entry.sparse) }
            let (length, count) = (release.release.pieceLength, release.release.pieces)
            let storage = SiteStorage(content: context.content, sparsePieceLength: length, pieceCount: count)
            let torrent = try await swarm.add(
                sparse: release.release.v2,
                pieceLength: length,
                pieceCount: count,
                storage: storage,
                adjust: { session in
                    adjust(&session)
                    if !givesWhileReading { session.uploadSlots = 0 }
                }
            )
            if !givesWhileReading { swarm.listener.unregister(hash) }
            let name = Self.name(of: release.site, release.release.seq)
            present(
                OpenTorrent(torrent: torrent, site: release.site, sparse: storage, lastNeeded: .now, name: name),
                hash
            )
            return (torrent, storage)
        }
    }

    /// Counts a user of an open torrent, for as long as `body` runs.
    func using<Value: Sendable>(
        _ hash: Digest160,
        _ body: () async throws -> Value
    ) async rethrows -> Value {
        open[hash]?.users += 1
        open[hash]?.isGivenUp = false
        defer {
            open[hash]?.users -= 1
            open[hash]?.lastNeeded = .now
        }
        return try await body()
    }

    // MARK: Closing

    /// A fetch that is cancelled or fails: what it wanted is not downloaded any further, unless others use the torrent.
    func orGivingUp<Value: Sendable>(
        _ hash: Digest160,
        _ body: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch {
            open[hash]?.isGivenUp = true
            await close(hash)
            throw error
        }
    }

    func close(_ hash: Digest160) async {
        await exclusively(hash) {
            // Someone may have come while this one waited.
            guard let entry = open[hash], entry.users == 0 || isEnding else { return }
            try? await entry.torrent.save()
            await retire(hash)
            guard let twin = entry.twin else { return }
            // Not before it has ended: its last pieces may be written and not yet be counted.
            await takeLeft(of: entry, isClosed: true)
            try? await context.blocking.run { twin.removeStaged() }
        }
    }

    /// What peers proved of files that were read: without it nobody could be given what was read of them.
    func noteLayers(of entry: OpenTorrent) async {
        let (context, layers) = (context, await entry.torrent.pieceLayers())
        guard !layers.isEmpty, let pieceLength = entry.sparse?.pieceLength else { return }
        do {
            try await context.blocking.run {
                // A file takes its place in the store when it is durable.
                try context.content.checkpoint()
                try context.note(layers, pieceLength: pieceLength)
            }
        } catch {
            // They can be made again from the files.
            context.logger.info("hashes of pieces could not be kept", metadata: ["error": "\(error)"])
        }
    }

    /// To be called exclusively.
    func retire(_ hash: Digest160) async {
        guard let entry = open.removeValue(forKey: hash) else { return }
        if let status = await entry.torrent.status() {
            closedDown += status.downloaded
            closedUp += status.uploaded
        }
        if entry.sparse != nil { await noteLayers(of: entry) }
        await swarm.remove(entry.torrent)
        if served[hash] != nil || parts[hash] != nil { listen(for: hash) }
    }
}
