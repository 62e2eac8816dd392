// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import NIOCore
internal import NIOPosix
internal import Wire

/// One thing to do for a torrent off its event loop, beside verifying what has come.
enum DiskJob: Sendable {
    case read(ReadID, piece: PieceIndex, offset: Int, ReadBuffer, length: Int)
    /// The bytes of each piece, in order.
    case hashLeaves(ReadID, [(piece: PieceIndex, length: Int)])

    /// Bytes that it hashes or moves.
    var cost: Int {
        switch self {
        case .read(_, _, _, _, let length): length
        case .hashLeaves(_, let pieces): pieces.reduce(0) { $0 + $1.length }
        }
    }
}

/// What became of a job.
enum DiskResult: Sendable {
    /// With the memory of the piece, still as it was.
    case verified(PieceIndex, PieceOutcome, PieceBuffer)
    /// Nil where it failed.
    case read(ReadID, ReadBuffer?)
    case leaves(ReadID, [Digest256]?)
}

/// The threads that hash, write and read, shared by all torrents of a swarm.
///
/// Small jobs of one input are done in groups, since handing over costs more than a small file does; what has come is verified
/// in sets (``PieceQueue``).
///
/// Bound: nothing is refused here, but a torrent never has more bytes to be hashed, written and read at once than
/// ``TorrentSession/diskBytes``, and none while it has no connections, of which ``SwarmConfiguration/maximumConnections`` are
/// allowed to all torrents together. ``DiskResults/bytesUnderWay`` says how many there are; `status` shows both.
final class DiskPool: Sendable {
    private static let groupBytes = 1 << 19
    private static let groupJobs = 64

    let threads: NIOThreadPool
    let buffers: PieceBufferPool

    init(threadCount: Int, retainedBytes: Int) {
        threads = NIOThreadPool(numberOfThreads: threadCount)
        buffers = PieceBufferPool(retained: retainedBytes)
        threads.start()
    }

    func shutdown() async { try? await threads.shutdownGracefully() }

    /// Does the jobs in any order and posts each result.
    func submit(_ jobs: [DiskJob], storage: any PieceStorage, results: DiskResults) {
        results.expect(jobs.count, bytes: jobs.reduce(0) { $0 + $1.cost })
        var group: [DiskJob] = []
        var bytes = 0
        for job in jobs {
            group.append(job)
            bytes += job.cost
            if bytes >= Self.groupBytes || group.count >= Self.groupJobs {
                run(group, storage, results)
                group = []
                bytes = 0
            }
        }
        if !group.isEmpty { run(group, storage, results) }
    }

    /// How many of the threads one torrent has for what comes: who reads, and is waited for, finds another.
    var threadsForPieces: Int { threads.numberOfThreads - 1 }

    /// Hashes what has come of pieces, writes what is right, and posts what became of each, in any order.
    ///
    /// `queue`: the torrent's.
    func verify(
        _ pieces: [(check: PieceCheck, buffer: PieceBuffer)],
        by queue: PieceQueue,
        storage: any PieceStorage,
        results: DiskResults
    ) {
        results.expect(pieces.count, bytes: pieces.reduce(0) { $0 + $1.check.dataLength })
        let entries = pieces.map {
            PieceQueue.Entry(check: $0.check, buffer: $0.buffer, storage: storage, results: results)
        }
        for _ in 0..<queue.add(entries) { verifyNext(of: queue) }
    }

    private func verifyNext(of queue: PieceQueue) {
        threads.submit { _ in
            let set = queue.take()
            let digests = PieceWorker.sha1(of: set.map { ($0.check, $0.buffer) })
            for (entry, digest) in zip(set, digests) {
                let outcome = entry.buffer.withBytes(entry.check.dataLength) {
                    PieceWorker.verifyAndStore(entry.check, $0, sha1: digest, in: entry.storage)
                }
                entry.results.post(.verified(entry.check.piece, outcome, entry.buffer), of: entry.check.dataLength)
            }
            if queue.finished() { self.verifyNext(of: queue) }
        }
    }

    private func run(_ jobs: [DiskJob], _ storage: any PieceStorage, _ results: DiskResults) {
        threads.submit { _ in
            for job in jobs { results.post(self.perform(job, storage), of: job.cost) }
        }
    }

    private func perform(_ job: DiskJob, _ storage: any PieceStorage) -> DiskResult {
        switch job {
        case .read(let id, let piece, let offset, let buffer, let length):
            let isRead = buffer.withBuffer { Self.read(piece, offset, length, into: &$0, storage) }
            return .read(id, isRead ? buffer : nil)
        case .hashLeaves(let id, let pieces): return .leaves(id, hashLeaves(pieces, storage))
        }
    }

    private func hashLeaves(_ pieces: [(piece: PieceIndex, length: Int)], _ storage: any PieceStorage) -> [Digest256]? {
        var leaves: [Digest256] = []
        for (piece, length) in pieces {
            let buffer = buffers.take(length)
            defer { buffers.give(buffer) }
            let isRead = buffer.withMutableBytes(length) { PieceWorker.read(piece, into: &$0, storage) }
            guard isRead else { return nil }
            leaves += buffer.withBytes(length) { PieceWorker.digests($0) }
        }
        return leaves
    }

    private static func read(
        _ piece: PieceIndex,
        _ offset: Int,
        _ length: Int,
        into buffer: inout ByteBuffer,
        _ storage: any PieceStorage
    ) -> Bool {
        var succeeded = false
        // SAFETY: the span covers memory that the closure's argument describes, and does not leave the closure.
        unsafe buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { memory in
            let part = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[0..<length])
            var span = unsafe MutableRawSpan(_unsafeBytes: part)
            do throws(PieceStorageError) {
                try storage.read(piece, offset: offset, into: &span)
                succeeded = true
                return length
            } catch {
                return 0
            }
        }
        return succeeded
    }
}
