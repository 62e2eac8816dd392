// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Feeds
internal import Logging
internal import Storage
internal import Swarm
internal import Wire

extension SwarmService {
    /// An open v1 twin from which files are taken.
    struct TwinSource: Sendable {
        var torrent: Torrent
        var files: TwinFiles
        /// Of the v2 torrent that it stands in for.
        var v2: Digest160?
        /// What it had brought when it was opened for this.
        var before = Traffic()
    }

    /// Opens the v1 twin of a release beside its v2 torrent. Nil where the release has none, or where it is open to be
    /// served and all of it is here.
    func openTwin(of record: ReleaseRecord, manifest: ReleaseManifest?) async throws -> TwinSource? {
        guard let v1 = record.v1 else { return nil }
        return try await exclusively(v1) {
            if let entry = open[v1], let files = entry.twin {
                let before = await entry.torrent.traffic()
                return TwinSource(torrent: entry.torrent, files: files, v2: entry.twinOf, before: before)
            }
            if let entry = open[v1] {
                // It is served from files of which some may have gone since.
                guard entry.users == 0, let status = await entry.torrent.status(), status.havePieces != status.pieces
                else { return nil }
                await retire(v1)
            }
            let files = TwinFiles(
                v1: v1,
                pieceLength: record.pieceLength,
                manifest: manifest,
                content: context.content
            )
            let torrent = try await addTwin(files, of: record)
            let name = "\(record.site.hex.prefix(8)) release \(record.seq) (v1)"
            let entry = OpenTorrent(
                torrent: torrent,
                site: record.site,
                twin: files,
                twinOf: record.v2.truncated,
                lastNeeded: .now,
                name: name
            )
            present(entry, v1)
            return TwinSource(torrent: torrent, files: files, v2: record.v2.truncated)
        }
    }

    /// Peers are asked for the metadata only where its hashes were never known here.
    private func addTwin(_ files: TwinFiles, of record: ReleaseRecord) async throws -> Torrent {
        let context = context
        let known = try await context.blocking.run { try files.knownMetainfo(of: record, in: context.metadata) }
        let adjust = { (session: inout SessionConfiguration) in
            self.adjust(&session)
            session.wantsEverything = false
            if !self.givesWhileReading { session.uploadSlots = 0 }
        }
        guard let known else {
            return try await swarm.add(magnet: InfoHashes(v1: files.v1)) { metainfo, _ in
                let storage = try files.prepare(metainfo)
                return (storage, storage.known())
            } adjust: {
                adjust(&$0)
            }
        }
        let (storage, held) = try await context.blocking.run {
            let storage = try files.prepare(known)
            return (storage, storage.known())
        }
        return try await swarm.add(known, storage: storage, have: held) { adjust(&$0) }
    }

    /// Waits for a range of a file by v2 and by the v1 twin at once, after v2 alone has not brought it.
    ///
    /// - Returns: where it is now.
    func readTwin(
        of release: SiteRelease,
        _ file: TorrentContent.HashedFile,
        _ torrent: Torrent,
        _ piece: Int,
        _ range: Range<Int64>,
        _ known: KnownPeers
    ) async throws -> ContentKey {
        let manifest = try await knownManifest(of: release)
        guard let v1 = release.release.v1, let twin = try await openTwin(of: release.record, manifest: manifest) else {
            try await torrent.waitFor(pieces: [piece])
            return .file(root: file.root)
        }
        return try await using(v1) {
            meet(known, for: v1)
            beginSearch(v1)
            while true {
                guard let verified = await torrent.verified() else { throw Torrent.Failure.stopped }
                if verified[piece] { return .file(root: file.root) }
                if let key = try await take(file, range, from: twin, for: torrent) { return key }
                try await Task.sleep(for: FetchMeter.interval)
            }
        }
    }

    private func knownManifest(of release: SiteRelease) async throws -> ReleaseManifest? {
        let (metadata, site, seq) = (context.metadata, release.site, release.release.seq)
        let v2 = release.release.v2
        return try await context.blocking.run {
            try metadata.read { metadata in
                guard try metadata.release(of: site, seq: seq)?.v2 == v2 else { return nil }
                return try metadata.manifest(of: site, seq: seq)
            }
        }
    }

    /// Where the first bytes of the range are, if the twin has brought them; asks it for them.
    private func take(
        _ file: TorrentContent.HashedFile,
        _ range: Range<Int64>,
        from twin: TwinSource,
        for torrent: Torrent
    ) async throws -> ContentKey? {
        if twin.files.isBroken { throw ReleaseFiles.broken }
        guard let map = twin.files.map else { return nil }
        guard let number = twin.files.number(firstPiece: file.firstPiece, length: file.length, root: file.root),
            let first = map.piece(file: number, offset: range.lowerBound),
            let last = map.piece(file: number, offset: range.upperBound - 1)
        else { throw ReleaseFiles.broken }
        twin.torrent.want(pieces: Int(first.raw)..<Int(last.raw) + 1)
        let pieces = file.firstPiece..<file.firstPiece + Int((file.length - 1) / Int64(twin.files.pieceLength)) + 1
        try await takeFinished(from: twin, for: torrent, places: [file.root: [pieces]])
        guard let verified = await twin.torrent.verified() else { throw Torrent.Failure.stopped }
        return verified[Int(first.raw)] ? twin.files.stagedKey(number) : nil
    }

    /// Takes what came after the last reader of a twin had got what it waited for.
    ///
    /// `isClosed`: the twin has ended, and the store is the one that knows what it brought.
    func takeLeft(of entry: OpenTorrent, isClosed: Bool = false) async {
        guard let files = entry.twin else { return }
        do {
            var verified: Bitfield?
            if !isClosed {
                verified = await entry.torrent.verified()
                if verified == nil { return }
            }
            let torrent = entry.twinOf.flatMap { open[$0]?.torrent }
            let places = torrent == nil ? [:] : try await context.blocking.run { files.places }
            try await take(verified, of: files, for: torrent, places: places, mayWait: isClosed)
        } catch {
            context.logger.debug("a v1 twin is of no use", metadata: ["error": "\(error)"])
        }
    }

    /// Takes what the twin has finished into the store, and tells the v2 torrent of it.
    /// `places` has the pieces of each root in the v2 torrent.
    func takeFinished(
        from twin: TwinSource,
        for torrent: Torrent,
        places: [Digest256: [Range<Int>]]
    ) async throws {
        if twin.files.isBroken { throw ReleaseFiles.broken }
        guard let verified = await twin.torrent.verified() else { return }
        try await take(verified, of: twin.files, for: torrent, places: places)
    }

    private func take(
        _ verified: Bitfield?,
        of files: TwinFiles,
        for torrent: Torrent?,
        places: [Digest256: [Range<Int>]],
        mayWait: Bool = true
    ) async throws {
        let context = context
        let (roots, layers) = try await context.blocking.run {
            let roots = try files.importFinished(verified, mayWait: mayWait).filter { places[$0] != nil }
            var layers: [Digest256: [UInt8]] = [:]
            // Peers who come by v2 need the hashes that v1 did not bring.
            for root in roots where places[root]?.first.map({ $0.count > 1 }) ?? false {
                layers[root] = try context.content.pieceLayer(of: root, pieceLength: files.pieceLength)
            }
            try context.note(layers, pieceLength: files.pieceLength)
            return (roots, layers)
        }
        guard let torrent else { return }
        for pieces in roots.flatMap({ places[$0] ?? [] }) { torrent.found(pieces: pieces) }
        if !layers.isEmpty { torrent.learn(pieceLayers: layers) }
        files.wasTold(of: roots)
    }
}
