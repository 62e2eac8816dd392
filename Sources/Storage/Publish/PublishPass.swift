// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Glibc
internal import Keys
internal import Synchronization
internal import Wire

/// Turns a folder into a Tree in the content store: walk, copy, hash the copies in one reading pass, store durably.
///
/// Blocks its thread and uses others for as long as it takes. The folder may be edited meanwhile: each file goes in as
/// it was when it was copied, see ``FileSnapshot``, and all hashes are over the copies.
public struct PublishPass {
    private let content: ContentStore
    private let folder: OpenFile
    private let options: PublishOptions
    /// Of the paths of this pass's copies.
    private let prefix: String
    private let cachePath: String

    private static let passes = Atomic(0)

    /// Publishes the folder at `path` into `content`.
    public static func run(
        folder path: String,
        into content: ContentStore,
        options: PublishOptions = PublishOptions()
    ) throws(PublishError) -> PublishedTree {
        let pass = try PublishPass(folder: path, content: content, options: options)
        defer { pass.removeCopies() }
        // A held file that the disk has damaged shows in the first attempt, which takes it out of service.
        if options.trustsTimes, let tree = try pass.attempt(trustingTimes: true) { return tree }
        guard let tree = try pass.attempt(trustingTimes: false) else { throw .storage(.damaged(path: path)) }
        return tree
    }

    private init(folder path: String, content: ContentStore, options: PublishOptions) throws(PublishError) {
        self.content = content
        self.options = options
        do throws(StorageError) {
            folder = try OpenFile.open(path, flags: O_RDONLY | O_DIRECTORY)
            let status = try folder.status()
            let name = Hash.sha256(Array("\(status.device)-\(status.inode)".utf8)).hex.prefix(32)
            cachePath = "\(content.home.cache)/\(name).snapshot"
        } catch .notFound {
            throw .notAFolder(path: path)
        } catch .io(_, _, code: ENOTDIR) {
            throw .notAFolder(path: path)
        } catch {
            throw .storage(error)
        }
        let number = Self.passes.wrappingAdd(1, ordering: .relaxed).newValue
        prefix = "\(content.home.temporary)/publish-\(number)-"
    }

    /// Nil where a held file turned out damaged.
    private func attempt(trustingTimes: Bool) throws(PublishError) -> PublishedTree? {
        let walk = try FolderWalk.run(folder: folder, home: content.home.path)
        let cache = trustingTimes ? readCache() : SnapshotCache()
        let snapshot = try FolderSnapshot.take(
            of: walk,
            in: folder,
            prefix: prefix,
            content: content,
            cache: cache,
            options: options
        )
        guard snapshot.files.contains(where: { $0.length > 0 }) else { throw .nothingToPublish(path: folder.path) }
        guard let hashes = try hash(snapshot) else { return nil }
        return try store(snapshot, hashes: hashes)
    }

    private func hash(_ snapshot: FolderSnapshot) throws(PublishError) -> TreeHashes? {
        let lengths = snapshot.files.map(\.length)
        let total = lengths.reduce(0) { $0.addingReportingOverflow($1).overflow ? .max : $0 + $1 }
        let pieceLength = PieceLength.automatic(totalSize: total)
        guard total <= TorrentSpecification.maximumTotalLength,
            let plan = HashPlan(lengths: lengths, pieceLength: pieceLength, v1: .contiguous, hasV2: true)
        else { throw .tooLarge(limit: TorrentSpecification.maximumTotalLength) }
        let sources = snapshot.files.map { file -> SnapshotHashing.Source in
            switch file.source {
            case .copy(let copy): .copy(path: copy.path, offset: copy.offset ?? 0)
            case .held(let root, _): .held(root: root)
            }
        }
        let unreadable = Mutex<Set<Int>>([])
        let hashes = try SnapshotHashing.run(plan, sources: sources, content: content, options: options) { file in
            unreadable.withLock { _ = $0.insert(file) }
        }
        let damaged = snapshot.files.enumerated().compactMap { index, file -> Digest256? in
            guard case .held(let root, _) = file.source else { return nil }
            let isUnreadable = unreadable.withLock { $0.contains(index) }
            return isUnreadable || hashes.map { $0.files[index].root != root } == true ? root : nil
        }
        for root in damaged {
            do throws(StorageError) { try content.quarantine(.file(root: root)) } catch { throw .storage(error) }
        }
        if !damaged.isEmpty { return nil }
        guard let hashes else { throw .storage(.damaged(path: content.home.temporary)) }
        return hashes
    }

    private func store(_ snapshot: FolderSnapshot, hashes: TreeHashes) throws(PublishError) -> PublishedTree? {
        let lease = content.lease(hashes.files.compactMap(\.root))
        let isHeld = zip(snapshot.files, hashes.files).allSatisfy { file, hashes in
            guard case .held(let root, _) = file.source else { return true }
            return content.length(of: .file(root: root)) == hashes.length
        }
        // Evicted between the look and the lease.
        guard isHeld else { return nil }
        var adoptions: [ContentStore.Adoption] = []
        for (file, hashes) in zip(snapshot.files, hashes.files) {
            guard case .copy(let copy) = file.source, let root = hashes.root else { continue }
            adoptions.append(
                ContentStore.Adoption(
                    path: copy.path,
                    offset: copy.offset ?? 0,
                    isShared: copy.offset != nil,
                    root: root,
                    length: copy.length
                )
            )
        }
        let added: Int64
        do throws(StorageError) { added = try content.adopt(adoptions) } catch { throw .storage(error) }
        writeCache(of: snapshot, hashes: hashes)
        return try describe(snapshot, hashes: hashes, added: added, lease: lease)
    }

    private func describe(
        _ snapshot: FolderSnapshot,
        hashes: TreeHashes,
        added: Int64,
        lease: ContentLease
    ) throws(PublishError) -> PublishedTree {
        let manifest = ReleaseManifest(
            files: zip(snapshot.files, hashes.files).map { file, hashes in
                ReleaseManifest.File(
                    path: file.path,
                    length: hashes.length,
                    root: hashes.root,
                    isExecutable: file.status.isExecutable
                )
            }
        )
        let tree = try SiteTree(manifest: manifest, pieceLength: hashes.pieceLength)
        var layers: [Digest256: [UInt8]] = [:]
        for file in hashes.files where !file.pieceLayer.isEmpty {
            if let root = file.root { layers[root] = file.pieceLayer }
        }
        var copied: Int64 = 0
        for case .copy(let copy) in snapshot.files.map(\.source) { copied += copy.length }
        return PublishedTree(
            tree: tree,
            hashes: InfoHashes(
                v1: try tree.v1Metainfo(pieces: hashes.v1Pieces).infoHashes.v1,
                v2: try tree.v2Metainfo(pieceLayers: layers).infoHashes.v2
            ),
            directory: try tree.directory(),
            v1Pieces: hashes.v1Pieces,
            pieceLayers: layers.map { (root: $0.key, hashes: $0.value) },
            skipped: snapshot.skipped,
            copied: copied,
            added: added,
            lease: lease
        )
    }

    // MARK: Cache and copies

    private func readCache() -> SnapshotCache {
        let bytes = try? Disk.read(cachePath, limit: SnapshotCache.maximumBytes)
        return bytes.flatMap { SnapshotCache($0) } ?? SnapshotCache()
    }

    /// Losing the cache costs time only, so that it cannot be written is no error.
    private func writeCache(of snapshot: FolderSnapshot, hashes: TreeHashes) {
        var cache = SnapshotCache()
        for (file, hashes) in zip(snapshot.files, hashes.files) {
            guard let root = hashes.root else { continue }
            switch file.source {
            case .copy(let copy):
                if copy.isStable { cache.note(copy.status, root: root, now: snapshot.startedAt) }
            case .held(_, let status): cache.note(status, root: root, now: snapshot.startedAt)
            }
        }
        try? Disk.write(cache.bytes, durablyTo: cachePath)
    }

    private func removeCopies() {
        guard let names = try? Disk.names(in: content.home.temporary) else { return }
        for name in names {
            let path = "\(content.home.temporary)/\(name)"
            if path.hasPrefix(prefix) { try? Disk.remove(path) }
        }
    }
}
