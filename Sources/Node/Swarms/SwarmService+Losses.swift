// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Logging
internal import Storage
internal import Swarm
internal import Synchronization
internal import Wire

/// A torrent that is open believes that it has what it had: it is told of files that have gone since.
extension SwarmService {
    /// From any thread; does not block.
    nonisolated func noteChange(of key: ContentKey) {
        let isFirst = changedFiles.withLock { changed in
            changed.insert(key)
            return changed.count == 1
        }
        // Where the queue is full, housekeeping comes by.
        if isFirst { enqueue.yield(.contentChanged) }
    }

    /// Opens a torrent for all who name its hash, and listens to what it says.
    func present(_ entry: OpenTorrent, _ hash: Digest160) {
        open[hash] = entry
        entry.torrent.setRates(TransferRates(context.configuration.limits.torrent))
        let (enqueue, finder) = (enqueue, finder)
        _ = entry.torrent.observe { event in
            switch event {
            case .pieceUnreadable(let piece): enqueue.yield(.unreadable(hash, piece))
            case .dhtNode(let node): finder.meet(node)
            case .metadata, .pieceVerified, .complete, .storageFailed, .banned: break
            }
        }
    }

    /// The same for the files that have changed since the last time.
    func followContent() async {
        let keys = changedFiles.withLock { changed in
            defer { changed = [] }
            return changed
        }
        if !keys.isEmpty { await follow(keys) }
    }

    /// Tells every open torrent which pieces of these files are here now.
    func follow(_ keys: Set<ContentKey>) async {
        for torrent in open.values.map(\.torrent) {
            guard let storage = await torrent.storage() as? SiteStorage else { continue }
            // All files of a torrent are looked at: not here, where everybody else would wait.
            let looked = try? await context.blocking.run {
                let pieces = storage.pieces(of: keys)
                let held = pieces.isEmpty ? [] : storage.known(among: pieces)
                return (held: held, lost: pieces.filter { !held.contains($0) })
            }
            guard let (held, lost) = looked, !(held.isEmpty && lost.isEmpty) else { continue }
            torrent.lost(pieces: lost)
            // What came back between the look and the word is found by whoever brought it, perhaps before the word.
            guard await torrent.status() != nil,
                let again = try? await context.blocking.run({ storage.known(among: lost) })
            else { continue }
            for piece in held.union(again).sorted() { torrent.found(pieces: piece..<piece + 1) }
        }
    }

    /// Compares the files of a piece that could not be read with their hashes: what is damaged is set aside and comes
    /// again from peers, what is sound after all is offered again, and what the disk says nothing about is looked into later.
    func look(into piece: PieceIndex, of hash: Digest160) async {
        let number = Int(piece.raw)
        while let torrent = open[hash]?.torrent, let storage = await torrent.storage() as? SiteStorage {
            guard (try? await Task.sleep(for: pauseBeforeLook(into: piece, of: hash))) != nil else { return }
            let (content, keys) = (context.content, storage.keys(ofPiece: number))
            do {
                let lost = try await context.blocking.run {
                    try keys.filter { key in
                        guard case .file(let root) = key else { return !content.contains(key) }
                        return try content.verify(root) != .sound
                    }
                }
                if lost.isEmpty { return torrent.found(pieces: number..<number + 1) }
                return await fetchAgain(lost, storage, torrent, hash)
            } catch {
                context.logger.error("what was kept cannot be read", metadata: ["error": "\(error)"])
            }
        }
    }

    private func fetchAgain(
        _ lost: [ContentKey],
        _ storage: SiteStorage,
        _ torrent: Torrent,
        _ hash: Digest160
    ) async {
        context.logger.warning("what was kept cannot be read", metadata: ["files": "\(lost.count)"])
        for key in lost { context.content.noteMissing(key) }
        await followContent()
        for piece in storage.pieces(of: Set(lost)) { torrent.want(pieces: piece..<piece + 1) }
        beginSearch(hash)
    }

    /// None before the first look, then from a second up to a minute: each look reads whole files, and peers bring them about.
    private func pauseBeforeLook(into piece: PieceIndex, of hash: Digest160) -> Duration {
        let before = open[hash]?.looks[piece] ?? 0
        open[hash]?.looks[piece] = before + 1
        return before == 0 ? .zero : .seconds(min(1 << min(before - 1, 6), 60))
    }
}
