// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import NIOCore
internal import NIOPosix
internal import Synchronization
internal import Wire

/// One thing to do for a torrent off its event loop.
enum DiskJob: Sendable {
    case verify(PieceCheck, PieceBuffer)
    case read(ReadID, piece: PieceIndex, offset: Int, ReadBuffer, length: Int)
    /// The bytes of each piece, in order.
    case hashLeaves(ReadID, [(piece: PieceIndex, length: Int)])

    /// Bytes that it hashes or moves.
    var cost: Int {
        switch self {
        case .verify(let check, _): check.dataLength
        case .read(_, _, _, _, let length): length
        case .hashLeaves(_, let pieces): pieces.reduce(0) { $0 + $1.length }
        }
    }
}

/// What became of a job.
enum DiskResult: Sendable {
    case verified(PieceIndex, PieceOutcome)
    /// Nil where it failed.
    case read(ReadID, ReadBuffer?)
    case leaves(ReadID, [Digest256]?)
}

/// The threads that hash, write and read, shared by all torrents of a swarm.
///
/// Small jobs of one input are done in groups, since handing over costs more than a small file does. Not bounded by
/// itself: the sessions bound what they have under way.
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

    private func run(_ jobs: [DiskJob], _ storage: any PieceStorage, _ results: DiskResults) {
        threads.submit { _ in
            for job in jobs { results.post(self.perform(job, storage)) }
        }
    }

    private func perform(_ job: DiskJob, _ storage: any PieceStorage) -> DiskResult {
        switch job {
        case .verify(let check, let buffer):
            let outcome = buffer.withBytes(check.dataLength) { PieceWorker.verifyAndStore(check, $0, in: storage) }
            buffers.give(buffer)
            return .verified(check.piece, outcome)
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

/// Carries results to an event loop, many with one wake-up.
final class DiskResults: Sendable {
    private let waiting = Mutex<[DiskResult]>([])
    private let loop: any EventLoop
    private let deliver: @Sendable ([DiskResult]) -> Void

    /// `deliver`: called on the loop.
    init(loop: any EventLoop, deliver: @escaping @Sendable ([DiskResult]) -> Void) {
        self.loop = loop
        self.deliver = deliver
    }

    func post(_ result: DiskResult) {
        let isFirst = waiting.withLock { waiting in
            waiting.append(result)
            return waiting.count == 1
        }
        if isFirst { loop.execute { self.drain() } }
    }

    private func drain() {
        let results = waiting.withLock { waiting in
            let results = waiting
            waiting = []
            return results
        }
        deliver(results)
    }
}
