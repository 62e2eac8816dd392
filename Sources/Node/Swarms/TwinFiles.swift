// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Storage
internal import Swarm
internal import Synchronization
internal import Wire

/// The v1 twin of a release as a source of its files, for when nobody answers by v2.
///
/// Its pieces prove that the publisher signed for the bytes, not that they are the files of the v2 side. So each file is
/// staged under the twin's name, and becomes the store's file of a root only when that has been computed: a broken or
/// hostile release cannot spoil what another site keeps under the same root.
final class TwinFiles: Sendable {
    private struct State {
        /// Known with the metadata.
        var map: PieceMap?
        var lengths: [Int64] = []
        /// By number in the twin: roots of files that are still to be looked at.
        var pending: [Int: Digest256] = [:]
        /// Likewise: those that the store has by now, and the v2 torrent has not been told.
        var taken: [Int: Digest256] = [:]
        /// By first piece in the v2 torrent: the file's number.
        var firstPieces: [Int: Int] = [:]
        var isBroken = false
    }

    let v1: Digest160
    let pieceLength: Int
    private let content: ContentStore
    /// All files of the release; nil where only single ones are known.
    private let manifest: ReleaseManifest?
    private let state = Mutex(State())
    let importing = Mutex(())

    init(v1: Digest160, pieceLength: Int, manifest: ReleaseManifest?, content: ContentStore) {
        self.v1 = v1
        self.pieceLength = pieceLength
        self.manifest = manifest
        self.content = content
    }

    var map: PieceMap? { state.withLock { $0.map } }
    /// The twin does not list the files that the release has.
    var isBroken: Bool { state.withLock { $0.isBroken } }

    func stagedKey(_ file: Int) -> ContentKey { .v1(torrent: v1, file: file) }

    /// The twin's metadata where its hashes are noted here, from an earlier time that the files were. Blocks.
    func knownMetainfo(of record: ReleaseRecord, in metadata: MetadataStore) throws -> Metainfo? {
        guard let manifest, let pieces = try metadata.read({ try $0.v1Pieces(of: record.site, seq: record.seq) }) else {
            return nil
        }
        let metainfo = try? SiteTree(manifest: manifest, pieceLength: pieceLength).v1Metainfo(pieces: pieces)
        return metainfo?.infoHashes.v1 == v1 ? metainfo : nil
    }

    /// The storage of the twin, once its metadata is there. Blocks.
    func prepare(_ metainfo: Metainfo) throws -> SiteStorage {
        guard metainfo.pieceLength == pieceLength, matches(metainfo) else {
            state.withLock { $0.isBroken = true }
            throw ReleaseFiles.broken
        }
        var next = 0
        var firstPieces: [Int: Int] = [:]
        for (index, file) in metainfo.files.enumerated() where file.length > 0 {
            firstPieces[next] = index
            next += Int((file.length + Int64(pieceLength) - 1) / Int64(pieceLength))
        }
        let roots = manifest.map { $0.files.map(\.root) }
        let files = metainfo.files.enumerated().map { index, file -> SiteStorage.File? in
            guard file.length > 0 else { return nil }
            let staged = stagedKey(index)
            guard let root = roots?[index] else { return SiteStorage.File(key: staged, length: file.length) }
            return SiteStorage.File(key: .file(root: root), length: file.length, staged: staged)
        }
        state.withLock { state in
            state.map = metainfo.pieceMap
            state.lengths = metainfo.files.map(\.length)
            state.firstPieces = firstPieces
            for (index, root) in (roots ?? []).enumerated() where root != nil { state.pending[index] = root }
        }
        return SiteStorage(content: content, map: metainfo.pieceMap, files: files)
    }

    /// A release's twin has no padding, and the files of the v2 torrent in its order.
    private func matches(_ metainfo: Metainfo) -> Bool {
        guard metainfo.kind == .v1, !metainfo.files.contains(where: { $0.isPadding || $0.symlinkTarget != nil }) else {
            return false
        }
        guard let manifest else { return true }
        return metainfo.files.count == manifest.files.count
            && zip(metainfo.files, manifest.files).allSatisfy { found, file in
                found.length == file.length && found.isExecutable == file.isExecutable
                    && found.path.elementsEqual(file.path) { $0.utf8.elementsEqual($1.utf8) }
            }
    }

    /// The number in the twin of a file that the v2 torrent begins at a piece; nil where the twin has none such.
    func number(firstPiece: Int, length: Int64, root: Digest256) -> Int? {
        state.withLock { state in
            guard let number = state.firstPieces[firstPiece], state.lengths[number] == length else { return nil }
            if manifest == nil { state.pending[number] = root }
            return number
        }
    }

    /// By root: its pieces in the v2 torrent, in each place of it, as several files may be alike.
    var places: [Digest256: [Range<Int>]] {
        state.withLock { state in
            var places: [Digest256: [Range<Int>]] = [:]
            for (first, number) in state.firstPieces {
                guard let root = state.pending[number] ?? state.taken[number] else { continue }
                let count = Int((state.lengths[number] - 1) / Int64(pieceLength)) + 1
                places[root, default: []].append(first..<first + count)
            }
            return places
        }
    }

    /// Makes files of which all pieces are verified those of their roots. Blocks.
    ///
    /// `verified` are the pieces that the twin's session counts; nil when it has ended: then all that the store has counts,
    /// its last pieces too, of which the session was not told any more.
    ///
    /// Without `mayWait` nothing is done while another does it: with many files that takes long, and who comes by every few
    /// seconds would have all of the node's threads wait.
    ///
    /// - Returns: the roots that are held, until the v2 torrent ``wasTold(of:)`` them: whoever took them may have failed before.
    ///   Fails with `.badData` where a file has another root.
    func importFinished(_ verified: Bitfield?, mayWait: Bool = true) throws -> [Digest256] {
        if mayWait {
            // Housekeeping and a reader may both come: the second finds nothing left.
            try importing.withLock { _ in try importNow(verified) }
        } else {
            try importing.withLockIfAvailable { _ in try importNow(verified) }
        }
        return state.withLock { Array($0.taken.values) }
    }

    /// The v2 torrent knows that these are here.
    func wasTold(of roots: [Digest256]) {
        guard !roots.isEmpty else { return }
        let told = Set(roots)
        state.withLock { state in state.taken = state.taken.filter { !told.contains($0.value) } }
    }

    private func importNow(_ verified: Bitfield?) throws {
        let (map, lengths, pending) = state.withLock { ($0.map, $0.lengths, $0.pending) }
        guard let map else { return }
        var staged: [ContentStore.Staged] = []
        for (number, root) in pending {
            let isFinished =
                if let verified {
                    map.pieces(file: number).allSatisfy { verified[$0] }
                } else {
                    try content.verified(stagedKey(number), length: lengths[number]).contains(0..<lengths[number])
                }
            guard isFinished else { continue }
            staged.append(ContentStore.Staged(key: stagedKey(number), root: root, length: lengths[number]))
        }
        guard !staged.isEmpty else { return }
        let refused = try content.adopt(staged: staged)
        state.withLock { state in
            for file in staged {
                guard case .v1(_, let number) = file.key else { continue }
                state.pending[number] = nil
                if refused.isEmpty { state.taken[number] = file.root }
            }
            if !refused.isEmpty { state.isBroken = true }
        }
        if !refused.isEmpty { throw ReleaseFiles.broken }
    }

    /// Lets go of what was staged for a reader and is not complete: nothing else would, as it counts under no quota.
    /// That of a whole release stays for the next fetch of it. Blocks.
    func removeStaged() {
        guard manifest == nil else { return }
        try? content.removeFiles(ofTorrent: v1)
    }
}
