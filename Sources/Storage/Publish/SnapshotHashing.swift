// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Glibc
internal import Synchronization
internal import Wire

/// Reads a folder's copies once and computes every hash of its torrents, on several threads.
enum SnapshotHashing {
    /// Where the bytes of a file are.
    enum Source: Sendable {
        /// In a file beneath `tmp/`, from this offset on.
        case copy(path: String, offset: Int64)
        case held(root: Digest256)
        case empty
    }

    /// Bytes read at a time.
    private static let readLength = 1 << 20

    /// The hashes of the files at `sources`, which are in the order of the plan's lengths; those of empty files are not
    /// looked at. Nil where a file is not readable or shorter than it should be: `unreadable` is told its number.
    static func run(
        _ plan: HashPlan,
        sources: [Source],
        content: ContentStore,
        options: PublishOptions,
        unreadable: @Sendable (Int) -> Void
    ) throws(PublishError) -> TreeHashes? {
        let total = plan.lengths.reduce(0, +)
        let assembler = Mutex(HashAssembler(plan))
        let done = Atomic<Int64>(0)
        try ParallelWork.run(
            count: plan.jobCount,
            workers: options.workers,
            isCancelled: options.isCancelled
        ) { (index) throws(PublishError) in
            var runner = plan.runner(forJob: index)
            var bytes: Int64 = 0
            for segment in runner.segments where !segment.isPadding {
                let isRead = reading(sources[segment.file], content) { read in
                    Self.read(segment, by: read, into: &runner)
                }
                guard isRead else { return unreadable(segment.file) }
                bytes += Int64(segment.length)
            }
            guard let result = runner.finish() else { return }
            assembler.withLock { _ = $0.add(result) }
            options.report(.hashing, done.wrappingAdd(bytes, ordering: .relaxed).newValue, total)
        }
        return assembler.withLock { $0.finish() }
    }

    private typealias Read = (_ offset: Int64, _ count: Int) throws(StorageError) -> [UInt8]

    /// Runs `body` with what reads the source. False where it cannot be opened.
    private static func reading(_ source: Source, _ content: ContentStore, _ body: (Read) -> Bool) -> Bool {
        switch source {
        case .copy(let path, let start):
            guard let file = try? OpenFile.open(path, flags: O_RDONLY | O_NOFOLLOW) else { return false }
            return body { (offset, count) throws(StorageError) in try file.read(at: start + offset, count: count) }
        case .held(let root):
            return body { (offset, count) throws(StorageError) in
                try content.read(.file(root: root), at: offset, count: count)
            }
        case .empty: return false
        }
    }

    private static func read(_ segment: FileSegment, by read: Read, into runner: inout HashJobRunner) -> Bool {
        var offset = segment.offset
        let end = segment.offset + Int64(segment.length)
        while offset < end {
            let count = Int(min(end - offset, Int64(readLength)))
            guard let bytes = try? read(offset, count), bytes.count == count else { return false }
            runner.update(bytes)
            offset += Int64(count)
        }
        return true
    }
}
