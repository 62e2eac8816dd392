// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Foundation
internal import Node
internal import Swarm
internal import Synchronization
internal import Wire

/// One run of `torrent get`.
struct TorrentDownload: Sendable {
    static let saveInterval = Duration.seconds(10)
    static let drawInterval = Duration.milliseconds(200)

    /// How a download ends.
    private enum Ending: Sendable {
        case complete
        case metadata
        case failed(PieceIndex)
        case quit
        case timeout
    }

    let command: TorrentGetCommand
    let run: TorrentRun
    let lines: EventLines
    let bar: ProgressBar
    private let start = ContinuousClock.now
    private let reused = Reused()

    /// Bytes taken from other torrents' files.
    private final class Reused: Sendable {
        private let bytes = Mutex<Int64>(0)
        func withLock<Result>(_ body: (inout Int64) -> Result) -> Result { bytes.withLock { body(&$0) } }
    }

    init(command: TorrentGetCommand, run: TorrentRun, lines: EventLines, bar: ProgressBar) {
        self.command = command
        self.run = run
        self.lines = lines
        self.bar = bar
    }

    func run(_ peers: [Endpoint]) async throws {
        let (events, continuation) = AsyncStream.makeStream(of: Ending.self, bufferingPolicy: .bufferingOldest(16))
        let torrent = try await begin()
        let lines = lines
        let metadataOnly = command.metadataOnly
        let observer = torrent.observe { event in
            switch event {
            case .pieceVerified: lines.sayOnce("first")
            case .metadata:
                lines.sayOnce("metadata")
                if metadataOnly { continuation.yield(.metadata) }
            case .complete:
                if !metadataOnly {
                    lines.sayOnce("complete")
                    continuation.yield(.complete)
                }
            case .storageFailed(let piece): continuation.yield(.failed(piece))
            case .pieceUnreadable, .banned, .dhtNode: break
            }
        }
        defer { torrent.removeObserver(observer) }
        torrent.add(peers: peers, source: .user)
        try await finish(await ending(torrent, events), torrent)
    }

    // MARK: Beginning

    private func begin() async throws -> Torrent {
        let directory = command.dir
        guard Magnet.isMagnet(command.torrent) else {
            let metainfo = try TorrentFiles.load(command.torrent)
            let storage = try TorrentFiles.storage(metainfo, at: directory)
            let content = try TorrentFiles.content(metainfo)
            let have = try begin(metainfo, content, storage)
            try makeEmptyFiles(storage)
            let torrent = try await run.swarm.add(metainfo, storage: storage, have: have) { adjust(&$0) }
            torrent.announce(to: command.sources.tiers(metainfo.sources.trackers))
            let (files, pieces) = (metainfo.sources.webSeeds, metainfo.sources.httpSeeds)
            torrent.use(webSeeds: command.sources.webSeeds(files: files, pieces: pieces))
            return torrent
        }
        let magnet = try TorrentFiles.magnet(command.torrent)
        let metadataOnly = command.metadataOnly
        let download = self
        let torrent = try await run.swarm.add(magnet: magnet.infoHashes) { metainfo, content in
            guard !metadataOnly else { return (NoStorage(), Bitfield(count: content.pieceCount)) }
            let storage = try DirectoryStorage(metainfo, at: directory)
            if magnet.selectedFiles == nil { try storage.createEmptyFiles() }
            return (storage, try download.begin(metainfo, content, storage))
        } adjust: { configuration in
            adjust(&configuration)
            configuration.wantsEverything = !metadataOnly
            configuration.selectedFiles = magnet.selectedFiles
        }
        // A link has no tiers: each tracker is one of its own.
        torrent.announce(to: command.sources.tiers(magnet.trackers.map { [$0] }))
        if !metadataOnly { torrent.use(webSeeds: command.sources.webSeeds(files: magnet.webSeeds)) }
        torrent.add(peers: magnet.peers.compactMap { Endpoint("\($0.name):\($0.port)") }, source: .user)
        return torrent
    }

    /// What is there, or can be taken from elsewhere on this machine. Blocks.
    private func begin(
        _ metainfo: Metainfo,
        _ content: TorrentContent,
        _ storage: DirectoryStorage
    ) throws -> Bitfield {
        let known = TorrentStart.have(content, storage, bar)
        let (have, taken) = try command.similar.fill(known, metainfo, content, storage, command.dir)
        let bytes = taken.indices.reduce(Int64(0)) { $0 + Int64(content.dataLength(of: $1) ?? 0) }
        reused.withLock { $0 += bytes }
        if bytes > 0 { lines.say("reused", ["bytes": Double(bytes)]) }
        return have
    }

    private func adjust(_ configuration: inout SessionConfiguration) {
        configuration.exchangesPeers = command.network.exchangesPeers
    }

    private func makeEmptyFiles(_ storage: DirectoryStorage) throws {
        do throws(PieceStorageError) {
            try storage.createEmptyFiles()
        } catch {
            throw TorrentFiles.failure(error, command.dir)
        }
    }

    // MARK: Waiting

    private func ending(_ torrent: Torrent, _ events: AsyncStream<Ending>) async -> Ending {
        await withTaskGroup(of: Ending?.self) { group in
            group.addTask { await first(of: events, torrent) }
            group.addTask {
                await EndingSignal.wait()
                return .quit
            }
            group.addTask {
                await run.useDHT(for: torrent)
                return nil
            }
            group.addTask {
                await watch(torrent)
                return nil
            }
            if command.contract.events {
                let endsWithInput = command.contract.waitGo
                group.addTask { await TorrentRun.follow(lines, torrent) || endsWithInput ? .quit : nil }
            }
            if let timeout = command.timeout {
                group.addTask {
                    try? await Task.sleep(for: .seconds(timeout))
                    return Task.isCancelled ? nil : .timeout
                }
            }
            var ending: Ending?
            while ending == nil, let next = await group.next() { ending = next }
            group.cancelAll()
            return ending ?? .quit
        }
    }

    /// The first event that ends the download; one that was complete from the start says so itself.
    private func first(of events: AsyncStream<Ending>, _ torrent: Torrent) async -> Ending? {
        if let status = await torrent.status(), status.pieces != nil, status.missingPieces == 0, !command.metadataOnly {
            lines.sayOnce("complete")
            return await afterComplete(torrent)
        }
        for await event in events {
            if case .complete = event { return await afterComplete(torrent) }
            return event
        }
        return nil
    }

    /// For a harness the torrent goes on being served, until the input ends or a signal comes.
    private func afterComplete(_ torrent: Torrent) async -> Ending? {
        guard command.contract.events, command.contract.waitGo else { return .complete }
        try? await torrent.save()
        return nil
    }

    private func watch(_ torrent: Torrent) async {
        var lastSave = ContinuousClock.now
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.drawInterval)
            if let status = await torrent.status() { draw(status, await torrent.metainfo()) }
            if !command.metadataOnly, ContinuousClock.now - lastSave > Self.saveInterval {
                try? await torrent.save()
                lastSave = .now
            }
        }
    }

    private func draw(_ status: SessionStatus, _ metainfo: Metainfo?) {
        guard let metainfo, let pieces = status.pieces, pieces > 0 else {
            bar.show(NodeProgress(stage: "finding peers", done: Int64(status.peers), total: nil, unit: "peers"))
            return
        }
        let done = Int64(Double(metainfo.totalLength) * Double(status.havePieces) / Double(pieces))
        let rate = ProgressBar.bytes(Int64(status.downloadRate))
        let stage = "fetching from \(status.peers) peers at \(rate)/s"
        bar.show(NodeProgress(stage: stage, done: done, total: metainfo.totalLength))
    }

    // MARK: Ending

    private func finish(_ ending: Ending, _ torrent: Torrent) async throws {
        bar.clear()
        if !command.metadataOnly { try? await torrent.save() }
        switch ending {
        case .complete: await report(torrent)
        case .metadata: try await metadataFetched(torrent)
        case .failed(let piece):
            throw NodeError(
                .inputOutput,
                "Piece \(piece) could not be written to \(command.dir)",
                remedy: "Make room on the disk, or check the folder's permissions; then run the command again."
            )
        case .timeout:
            throw NodeError(
                .unavailable,
                "The download was not complete after \(command.timeout ?? 0) s",
                remedy: "Give --peer, --tracker or --network mainline, or wait longer; what came is kept."
            )
        case .quit:
            // A harness says `quit` and knows what it has; for everybody else nothing is complete.
            if !command.contract.events { throw CancellationError() }
        }
    }

    private func metadataFetched(_ torrent: Torrent) async throws {
        guard let metainfo = await torrent.metainfo() else { return }
        lines.sayOnce("complete")
        if !command.contract.events { command.options.print(TorrentSummary(metainfo)) { $0.text } }
    }

    private func report(_ torrent: Torrent) async {
        guard !command.contract.events, let metainfo = await torrent.metainfo(), let status = await torrent.status()
        else {
            return
        }
        let elapsed = (ContinuousClock.now - start).components
        let report = TorrentGetCommand.Report(
            name: metainfo.name,
            v1: metainfo.infoHashes.v1?.hex,
            v2: metainfo.infoHashes.v2?.hex,
            dir: command.dir,
            files: metainfo.files.count { !$0.isPadding },
            bytes: metainfo.totalLength,
            received: status.downloaded,
            reused: reused.withLock { $0 },
            seconds: Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18,
            peers: status.peers,
            trackers: await torrent.trackerStatus().map { TrackerReport($0) },
            webSeeds: await torrent.webSeedStatus().map { WebSeedReport($0) },
            queues: status.queues.map { .init(name: $0.name, used: $0.used, bound: $0.bound) }
        )
        command.options.print(report) {
            let seconds = String(format: "%.1f", $0.seconds)
            let reused = $0.reused > 0 ? ", \(ProgressBar.bytes($0.reused)) of it from other torrents' files" : ""
            return "\($0.name): \($0.files) files, \(ProgressBar.bytes($0.bytes)) in \(seconds) s\(reused)"
        }
    }
}
