// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Feeds
internal import Storage
internal import Swarm
internal import Wire

extension SwarmService {
    /// What a fetch took.
    struct Fetched: Equatable, Sendable {
        /// Bytes that peers sent for it: payload, hashes and messages.
        var received: Int64 = 0
        /// The most peers that were connected at a time.
        var peers = 0
    }

    /// Gets all files of a release that are not held yet, and makes them durable.
    ///
    /// May be cancelled; what was verified by then is kept, and the next fetch goes on from there.
    ///
    /// `manifest` has all files of the release; fails with `.badData` where they are not those the release names.
    /// `peers` are known to hold the site: tried at once, before any search. `report` is told of the bytes held, at
    /// most ten times a second.
    @discardableResult
    func fetchAll(
        _ release: SiteRelease,
        manifest: ReleaseManifest,
        peers: @Sendable () async -> KnownPeers,
        report: @escaping @Sendable (NodeProgress) -> Void = { _ in }
    ) async throws(NodeError) -> Fetched {
        do {
            let context = context
            let files = try await context.blocking.run {
                let files = try ReleaseFiles(release, manifest: manifest)
                try context.metadata.write { try $0.save(files.record, manifest: manifest) }
                return files
            }
            let lease = context.content.lease(files.roots)
            defer { lease.end() }
            let fetched = try await orMakingRoom(for: files) {
                let torrent = try await replaceSparse(with: files)
                let fetched = try await orGivingUp(release.release.v2.truncated) {
                    try await using(release.release.v2.truncated) {
                        try await fetch(files, torrent, peers: peers, report: report)
                    }
                }
                try await finish(files, torrent)
                return fetched
            }
            enqueue.yield(.twin(files))
            return fetched
        } catch {
            throw Self.failure(error)
        }
    }

    private func orMakingRoom(
        for files: ReleaseFiles,
        _ body: () async throws -> Fetched
    ) async throws -> Fetched {
        let content = context.content
        let missing = try await context.blocking.run {
            files.tree.missingFiles(in: content).compactMap { files.tree.manifest.files[$0].root }
        }
        do {
            return try await body()
        } catch {
            if Self.isStorageFailure(error) { await makeRoom(from: missing) }
            throw error
        }
    }

    private func fetch(
        _ files: ReleaseFiles,
        _ torrent: Torrent,
        peers: @Sendable () async -> KnownPeers,
        report: @escaping @Sendable (NodeProgress) -> Void
    ) async throws -> Fetched {
        let places = files.places()
        let watch = FetchWatch(torrent, copies: places.copies)
        let number = torrent.observe { watch.receive($0) }
        defer { torrent.removeObserver(number) }
        for range in places.first { torrent.want(pieces: range) }
        // What was held before it was opened has its copies already; what came since may not have.
        for piece in await torrent.verified()?.indices ?? [] { watch.found(piece) }
        if let status = await torrent.status(), status.missingPieces > 0 {
            meet(await peers(), for: files.record.v2.truncated)
            beginSearch(files.record.v2.truncated)
        }
        var attempt = FetchAttempt(files: files, torrent: torrent, watch: watch, byRoot: places.byRoot)
        let result: Result<Fetched, any Error>
        do {
            result = .success(try await wait(for: &attempt, peers: peers, report: report))
        } catch {
            result = .failure(error)
        }
        await end(attempt)
        return try result.get()
    }

    private struct FetchAttempt {
        let files: ReleaseFiles
        let torrent: Torrent
        let watch: FetchWatch
        let byRoot: [Digest256: [Range<Int>]]
        var twin: TwinSource?
        var wantsTwin = true
    }

    /// Returns when every piece is there; fails when nothing moves any more.
    private func wait(
        for attempt: inout FetchAttempt,
        peers: @Sendable () async -> KnownPeers,
        report: @escaping @Sendable (NodeProgress) -> Void
    ) async throws -> Fetched {
        var fetched = Fetched()
        var meter = FetchMeter(attempt.files, patience: patience)
        let before = await attempt.torrent.traffic()
        while true {
            let torrent = attempt.torrent
            guard var status = await torrent.status(), let verified = await torrent.verified() else {
                throw Torrent.Failure.stopped
            }
            if let piece = attempt.watch.failedPiece { throw Torrent.Failure.storage(piece) }
            status.downloaded -= before.downloaded
            status.received -= before.received
            if let twin = attempt.twin { try await follow(twin, attempt, &status) }
            fetched.received = status.received
            // Whose last piece was the last of all may have parted before it was counted.
            fetched.peers = max(fetched.peers, status.peers, status.downloaded > 0 ? 1 : 0)
            if let progress = meter.progress(verified) { report(progress) }
            if status.missingPieces == 0 { return fetched }
            try meter.check(peers: status.peers, downloaded: status.downloaded)
            if meter.isIdle, attempt.wantsTwin { try await beginTwin(&attempt, peers: peers) }
            try await attempt.watch.wait(atMost: FetchMeter.interval)
        }
    }

    private func beginTwin(_ attempt: inout FetchAttempt, peers: @Sendable () async -> KnownPeers) async throws {
        attempt.wantsTwin = false
        let files = attempt.files
        guard let twin = try await openTwin(of: files.record, manifest: files.tree.manifest) else { return }
        attempt.twin = twin
        if let v1 = files.record.v1 {
            open[v1]?.users += 1
            meet(await peers(), for: v1)
            beginSearch(v1)
        }
    }

    /// Adds what the twin does to the status, and takes its files.
    private func follow(_ twin: TwinSource, _ attempt: FetchAttempt, _ status: inout SessionStatus) async throws {
        guard let beside = await twin.torrent.status() else { return }
        status.downloaded += beside.downloaded - twin.before.downloaded
        status.received += beside.received - twin.before.received
        status.peers += beside.peers
        if let map = twin.files.map { twin.torrent.want(pieces: map.indices) }
        try await takeFinished(from: twin, for: attempt.torrent, places: attempt.byRoot)
    }

    private func end(_ attempt: FetchAttempt) async {
        guard attempt.twin != nil, let v1 = attempt.files.record.v1 else { return }
        open[v1]?.users -= 1
        guard open[v1]?.users == 0 else { return }
        // It gives way to the torrent that is served, whose files are all in the store.
        await close(v1)
    }

    /// What was fetched outlives a crash from here on.
    private func finish(_ files: ReleaseFiles, _ torrent: Torrent) async throws {
        let context = context
        let content = context.content
        let proven = await torrent.pieceLayers()
        let (missing, layers) = try await context.blocking.run {
            try content.checkpoint()
            try context.note(proven, pieceLength: files.tree.pieceLength)
            // Files that were here before, or came by v1, brought no hashes of their pieces with them.
            let layers = try files.layers(in: context).filter { proven[$0.key] == nil }
            let missing = files.tree.missingFiles(in: content)
            // What an attempt by v1 had begun is of no more use.
            if missing.isEmpty, let v1 = files.record.v1 { try content.removeFiles(ofTorrent: v1) }
            return (missing, layers)
        }
        if !layers.isEmpty { torrent.learn(pieceLayers: layers) }
        guard missing.isEmpty else {
            throw NodeError(
                .inputOutput,
                "\(missing.count) files that had arrived are not in the store",
                remedy: "Run `roost doctor`, then fetch again."
            )
        }
    }

    static func failure(_ error: any Error) -> NodeError {
        guard let failure = error as? Torrent.Failure else { return NodeError(unexpected: error) }
        return switch failure {
        case .stopped: NodeError(.unavailable, "the download was ended", remedy: "Try again.")
        case .storage:
            NodeError(
                .inputOutput,
                "what arrived could not be kept: no space is left, or the disk fails",
                remedy: "Free space on the disk of the home, or lower `quota` with `roost config set quota BYTES`."
            )
        case .outOfRange:
            NodeError(
                .badData,
                "the directory places a file where its torrent has none",
                remedy: "The release is broken; tell its publisher."
            )
        }
    }
}
