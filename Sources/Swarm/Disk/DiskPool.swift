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
    /// With the memory of the piece, still as it was.
    case verified(PieceIndex, PieceOutcome, PieceBuffer)
    /// Nil where it failed.
    case read(ReadID, ReadBuffer?)
    case leaves(ReadID, [Digest256]?)
}

/// The threads that hash, write and read, shared by all torrents of a swarm.
///
/// Small jobs of one input are done in groups, since handing over costs more than a small file does.
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
        results.expect(jobs)
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
            for job in jobs { results.post(self.perform(job, storage), of: job.cost) }
        }
    }

    private func perform(_ job: DiskJob, _ storage: any PieceStorage) -> DiskResult {
        switch job {
        case .verify(let check, let buffer):
            let outcome = buffer.withBytes(check.dataLength) { PieceWorker.verifyAndStore(check, $0, in: storage) }
            return .verified(check.piece, outcome, buffer)
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
    private struct State {
        var waiting: [DiskResult] = []
        /// Jobs that were submitted and have not been done.
        var underWay = 0
        /// Bytes that these hash or move.
        var bytes = 0
        /// Who waits for the last of them.
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let loop: any EventLoop
    private let deliver: @Sendable ([DiskResult]) -> Void

    /// `deliver`: called on the loop.
    init(loop: any EventLoop, deliver: @escaping @Sendable ([DiskResult]) -> Void) {
        self.loop = loop
        self.deliver = deliver
    }

    /// To be called before as many jobs are handed over.
    func expect(_ jobs: [DiskJob]) {
        let bytes = jobs.reduce(0) { $0 + $1.cost }
        state.withLock { state in
            state.underWay += jobs.count
            state.bytes += bytes
        }
    }

    /// Bytes of the jobs that were submitted and have not been done.
    var bytesUnderWay: Int { state.withLock { $0.bytes } }

    /// `cost`: that of the job.
    func post(_ result: DiskResult, of cost: Int) {
        let (isFirst, waiters) = state.withLock { state -> (Bool, [CheckedContinuation<Void, Never>]) in
            state.waiting.append(result)
            state.underWay -= 1
            state.bytes -= cost
            guard state.underWay == 0 else { return (state.waiting.count == 1, []) }
            defer { state.waiters = [] }
            return (state.waiting.count == 1, state.waiters)
        }
        if isFirst { loop.execute { self.drain() } }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when no job is under way: nothing is written any more unless jobs are submitted after the call.
    func settled() async {
        await withCheckedContinuation { continuation in
            let isSettled = state.withLock { state in
                if state.underWay > 0 { state.waiters.append(continuation) }
                return state.underWay == 0
            }
            if isSettled { continuation.resume() }
        }
    }

    private func drain() {
        let results = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        deliver(results)
    }
}
