// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Feeds
internal import Storage
internal import Swarm
internal import Wire

extension SwarmService {
    /// How often a read begins anew when what had arrived went away before it was read.
    static let readAttempts = 3

    /// Verified bytes of a file from `offset`: at least one, at most `count`, as soon as they are here.
    ///
    /// `peers` are known to hold the site: tried at once, before any search. Without `mayUseNetwork`, only what is held
    /// already is read.
    nonisolated func read(
        _ file: DirectoryFile,
        of release: SiteRelease,
        at offset: Int64,
        count: Int,
        peers: @Sendable () async -> KnownPeers,
        mayUseNetwork: Bool
    ) async throws(NodeError) -> [UInt8] {
        guard let root = file.root, offset >= 0, offset < file.length else { return [] }
        context.keeper.wanted(
            WantRecord(root: root, site: release.site, length: file.length, wantedAt: WallClock.seconds)
        )
        let wanted = Int(min(Int64(count), file.length - offset))
        let proof = CheckedReader.Proof.root(pieceLength: release.release.pieceLength)
        if let bytes = try await held(.file(root: root), file.length, at: offset, count: wanted, proof) { return bytes }
        guard mayUseNetwork else {
            throw NodeError(
                .unavailable,
                "this part of the file is not here",
                remedy: "Open the page itself: peers are asked only for what its reader opened."
            )
        }
        for _ in 0..<Self.readAttempts {
            let key: ContentKey
            do {
                key = try await fetch(file, root, of: release, at: offset, count: wanted, peers: peers)
            } catch {
                throw Self.failure(error)
            }
            // What was staged may have been given its place under the root meanwhile.
            for key in [key, .file(root: root)] {
                if let bytes = try await held(key, file.length, at: offset, count: wanted, proof) { return bytes }
            }
            // The torrent thinks that it has what has been set aside or evicted since.
            context.content.noteMissing(key)
            await followContent()
        }
        throw NodeError(.inputOutput, "bytes that had arrived could not be read", remedy: "Run `roost doctor`.")
    }

    /// As many bytes from `offset` as are held in one run and prove right; nil where the first is not.
    nonisolated func held(
        _ key: ContentKey,
        _ length: Int64,
        at offset: Int64,
        count: Int,
        _ proof: CheckedReader.Proof
    ) async throws(NodeError) -> [UInt8]? {
        let reader = reader
        return try await context.blocking.run { try reader.read(key, length, at: offset, count: count, proof) }
    }

    /// Waits until the piece at `offset` is here; those after it are asked for too.
    ///
    /// - Returns: where it is: under the root, or staged by the v1 twin.
    private func fetch(
        _ file: DirectoryFile,
        _ root: Digest256,
        of release: SiteRelease,
        at offset: Int64,
        count: Int,
        peers: @Sendable () async -> KnownPeers
    ) async throws -> ContentKey {
        let hash = release.release.v2.truncated
        let length = Int64(release.release.pieceLength)
        let first = file.firstPiece + Int(offset / length)
        let last = file.firstPiece + Int((offset + Int64(count) - 1) / length)
        let hashed = TorrentContent.HashedFile(firstPiece: file.firstPiece, length: file.length, root: root)
        var attempts = 0
        while true {
            attempts += 1
            let torrent = try await openForReading(hashed, of: release)
            torrent.want(pieces: first..<last + 1)
            do {
                return try await using(hash) {
                    let known = await peers()
                    meet(known, for: hash)
                    beginSearch(hash)
                    // Once the twin was needed, every further part of a page would wait in vain for v2 first.
                    if !reads(byTwinOf: release), try await arrives(first, of: torrent) {
                        return .file(root: root)
                    }
                    return try await readTwin(
                        of: release,
                        hashed,
                        torrent,
                        first,
                        offset..<offset + Int64(count),
                        known
                    )
                }
            } catch Torrent.Failure.storage(let piece) {
                // The next read begins anew, with what room there is then.
                open[hash]?.isGivenUp = true
                await close(hash)
                await makeRoom(from: [root])
                throw Torrent.Failure.storage(piece)
            } catch Torrent.Failure.stopped where attempts < 4 && !isEnding {
                // A fetch of the whole release has taken over.
            }
        }
    }

    /// Whether the v1 twin is open as a source.
    private func reads(byTwinOf release: SiteRelease) -> Bool {
        release.release.v1.map { open[$0]?.twin != nil } ?? false
    }

    /// Whether the piece comes before the twin is worth trying: sooner where nobody answers by v2 at all.
    private func arrives(_ piece: Int, of torrent: Torrent) async throws -> Bool {
        if try await Self.arrives(piece, of: torrent, within: min(patience.lonely, patience.twin)) { return true }
        guard let status = await torrent.status() else { throw Torrent.Failure.stopped }
        guard status.peers > 0, patience.twin > patience.lonely else { return false }
        return try await Self.arrives(piece, of: torrent, within: patience.twin - patience.lonely)
    }

    /// Whether the piece comes within the time; gives up the wait, not the download.
    private static func arrives(_ piece: Int, of torrent: Torrent, within time: Duration) async throws -> Bool {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await torrent.waitFor(pieces: [piece])
                return true
            }
            group.addTask {
                try await Task.sleep(for: time)
                return false
            }
            defer { group.cancelAll() }
            return try await group.next() ?? false
        }
    }

    private func openForReading(_ file: TorrentContent.HashedFile, of release: SiteRelease) async throws -> Torrent {
        let (torrent, storage) = try await openSparse(release)
        guard let storage else { return torrent }
        guard storage.add(file), await torrent.add(files: [file]) else { throw Torrent.Failure.outOfRange }
        for piece in try await context.blocking.run({ storage.known(file) }) {
            torrent.found(pieces: piece..<piece + 1)
        }
        return torrent
    }
}
