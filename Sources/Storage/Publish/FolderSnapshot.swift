// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Foundation
internal import Glibc
internal import Synchronization
internal import Wire

/// A folder as it was copied: for each file of the site, where its bytes are that nobody edits.
struct FolderSnapshot: Sendable {
    enum Source: Sendable {
        /// A copy beneath `tmp/`.
        case copy(FileSnapshot)
        /// In the content store already, by the word of the file system's times; hashing will tell.
        case held(root: Digest256, status: FileStatus)
    }

    struct File: Sendable {
        var path: [String]
        var source: Source

        var status: FileStatus {
            switch source {
            case .copy(let snapshot): snapshot.status
            case .held(_, let status): status
            }
        }

        var length: Int64 {
            switch source {
            case .copy(let snapshot): snapshot.length
            case .held(_, let status): status.length
            }
        }
    }

    var files: [File]
    var skipped: [SkippedFile]
    /// Nanoseconds since 1970 when copying began.
    var startedAt: Int64

    /// Copies what `walk` has found, on several threads. The copies' paths begin with `prefix`, and they are the
    /// caller's to remove.
    static func take(
        of walk: FolderWalk,
        in folder: OpenFile,
        prefix: String,
        content: ContentStore,
        cache: SnapshotCache,
        options: PublishOptions
    ) throws(PublishError) -> FolderSnapshot {
        let copies: SmallCopies
        do throws(StorageError) { copies = try SmallCopies(path: prefix + "small") } catch { throw .storage(error) }
        let startedAt = Int64(Date().timeIntervalSince1970 * 1_000_000_000)
        let entries = walk.entries
        let total = entries.reduce(0) { $0 + $1.status.length }
        let found = Mutex<[Source?]>(Array(repeating: nil, count: entries.count))
        let failed = Mutex<[Int: SkippedFile.Reason]>([:])
        let done = Atomic<Int64>(0)
        try ParallelWork.run(
            count: entries.count,
            workers: options.workers,
            isCancelled: options.isCancelled
        ) { (index) throws(PublishError) in
            let entry = entries[index]
            let source: Result<Source, Skip>
            if let root = cache.root(of: entry.status), content.length(of: .file(root: root)) == entry.status.length {
                source = .success(.held(root: root, status: entry.status))
            } else {
                source = try Self.copy(of: entry, in: folder, at: "\(prefix)\(index)", copies: copies) { bytes in
                    options.report(.storing, min(done.load(ordering: .relaxed) + bytes, total), total)
                    return !options.isCancelled()
                }
            }
            switch source {
            case .success(let source): found.withLock { $0[index] = source }
            case .failure(let reason): failed.withLock { $0[index] = reason.reason }
            }
            let now = done.wrappingAdd(entry.status.length, ordering: .relaxed).newValue
            if index % 64 == 0 || entry.status.length > 1 << 22 { options.report(.storing, min(now, total), total) }
        }
        var snapshot = FolderSnapshot(files: [], skipped: walk.skipped, startedAt: startedAt)
        let sources = found.withLock { $0 }
        let reasons = failed.withLock { $0 }
        for (index, entry) in entries.enumerated() {
            if let source = sources[index] {
                snapshot.files.append(File(path: entry.path, source: source))
            } else {
                let path = entry.path.joined(separator: "/")
                snapshot.skipped.append(SkippedFile(path: path, reason: reasons[index] ?? .vanished))
            }
        }
        return snapshot
    }

    private struct Skip: Error {
        var reason: SkippedFile.Reason
    }

    private static func copy(
        of entry: FolderWalk.Entry,
        in folder: OpenFile,
        at path: String,
        copies: SmallCopies,
        goesOn: (Int64) -> Bool
    ) throws(PublishError) -> Result<Source, Skip> {
        let file: OpenFile
        do throws(StorageError) {
            // Not to wait for a writer should a pipe stand there now.
            file = try folder.openBeneath(entry.source, flags: O_RDONLY | O_NONBLOCK)
            guard try file.status().kind == .file else { return .failure(Skip(reason: .vanished)) }
        } catch {
            return .failure(Skip(reason: FolderWalk.reason(error)))
        }
        do throws(StorageError) {
            if let copy = try FileSnapshot.take(of: file, into: copies) { return .success(.copy(copy)) }
            let maximum = TorrentSpecification.maximumTotalLength
            return .success(.copy(try FileSnapshot.take(of: file, at: path, maximum: maximum, goesOn: goesOn)))
        } catch {
            throw .storage(error)
        }
    }
}
