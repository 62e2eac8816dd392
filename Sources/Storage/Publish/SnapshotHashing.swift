// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Glibc
internal import Synchronization

/// Reads a folder's copies once and computes every hash of its torrents, on several threads.
enum SnapshotHashing {
    /// Bytes read at a time.
    private static let readLength = 1 << 20

    /// The hashes of the files at `paths`, which are in the order of the plan's lengths; those of empty files are not
    /// looked at. Nil where a file is not readable or shorter than it should be: `unreadable` is told its number.
    static func run(
        _ plan: HashPlan,
        paths: [String],
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
                guard read(segment, of: paths[segment.file], into: &runner) else { return unreadable(segment.file) }
                bytes += Int64(segment.length)
            }
            guard let result = runner.finish() else { return }
            assembler.withLock { _ = $0.add(result) }
            options.report(.hashing, done.wrappingAdd(bytes, ordering: .relaxed).newValue, total)
        }
        return assembler.withLock { $0.finish() }
    }

    private static func read(_ segment: FileSegment, of path: String, into runner: inout HashJobRunner) -> Bool {
        guard let file = try? OpenFile.open(path, flags: O_RDONLY | O_NOFOLLOW) else { return false }
        var offset = segment.offset
        let end = segment.offset + Int64(segment.length)
        while offset < end {
            let count = Int(min(end - offset, Int64(readLength)))
            guard let bytes = try? file.read(at: offset, count: count), bytes.count == count else { return false }
            runner.update(bytes)
            offset += Int64(count)
        }
        return true
    }
}
