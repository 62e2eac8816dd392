// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Dispatch
import Keys
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Wire

@testable import Swarm

@Suite("Disk pool")
struct DiskPoolTests {
    /// Gives pieces when it is let.
    private final class SlowStorage: PieceStorage {
        private let gate = DispatchSemaphore(value: 0)
        private let done = Atomic(0)
        var reads: Int { done.load(ordering: .sequentiallyConsistent) }

        func open() { gate.signal() }

        func read(_ piece: PieceIndex, offset: Int, into bytes: inout MutableRawSpan) throws(PieceStorageError) {
            gate.wait()
            gate.signal()
            done.wrappingAdd(1, ordering: .sequentiallyConsistent)
        }

        func write(_ piece: PieceIndex, _ bytes: RawSpan) throws(PieceStorageError) {}
        func save(verified: Bitfield) throws(PieceStorageError) {}
    }

    @Test("has settled when the last job is done, not before")
    func settling() async throws {
        let pool = DiskPool(threadCount: 2, retainedBytes: 0)
        let storage = SlowStorage()
        let results = DiskResults(loop: MultiThreadedEventLoopGroup.singleton.next()) { _ in }
        await results.settled()
        let jobs = (0..<200).map { _ in DiskJob.hashLeaves(ReadID(0), [(piece: PieceIndex(0), length: 16_384)]) }
        pool.submit(jobs, storage: storage, results: results)
        #expect(results.bytesUnderWay == 200 * 16_384)
        async let settled: Void = results.settled()
        storage.open()
        await settled
        #expect(storage.reads == 200 && results.bytesUnderWay == 0)
        await pool.shutdown()
    }

    /// Notes what is written.
    private final class Notebook: PieceStorage {
        private let pieces = Mutex<[PieceIndex: [UInt8]]>([:])
        var written: [PieceIndex: [UInt8]] { pieces.withLock { $0 } }

        func write(_ piece: PieceIndex, _ bytes: RawSpan) throws(PieceStorageError) {
            // SAFETY: the bytes are copied before the closure returns.
            let copy = unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
            pieces.withLock { $0[piece] = copy }
        }

        func read(_ piece: PieceIndex, offset: Int, into bytes: inout MutableRawSpan) throws(PieceStorageError) {}
        func save(verified: Bitfield) throws(PieceStorageError) {}
    }

    @Test("of pieces verified together, of several lengths and kinds, each is written that is right, and no other")
    func verifying() async {
        let pool = DiskPool(threadCount: 3, retainedBytes: 0)
        let storage = Notebook()
        let outcomes = Mutex<[PieceIndex: PieceOutcome]>([:])
        let results = DiskResults(loop: MultiThreadedEventLoopGroup.singleton.next()) { results in
            for case .verified(let piece, let outcome, _) in results { outcomes.withLock { $0[piece] = outcome } }
        }
        var right: [PieceIndex: [UInt8]] = [:]
        let pieces = (0..<60).map { number in
            let piece = PieceIndex(Int32(number))
            let content = [UInt8](repeating: UInt8(number), count: number % 3 == 0 ? 70_000 : 100_000)
            let isRight = number % 7 != 5
            if isRight { right[piece] = content }
            let expected = isRight ? content : content.reversed() + [1]
            let hasV1 = number % 5 != 4
            let padding = number % 11 == 10 ? 300 : 0
            let check = PieceCheck(
                piece: piece,
                dataLength: content.count,
                paddedLength: content.count + padding,
                v1: hasV1 ? Hash.sha1(expected + [UInt8](repeating: 0, count: padding)) : nil,
                v2: number % 2 == 0 || !hasV1 ? Merkle.root(of: expected) : nil
            )
            let buffer = PieceBuffer(capacity: 131_072)
            unsafe content.withUnsafeBytes { unsafe buffer.copy($0, at: 0) }
            return (check, buffer)
        }
        pool.verify(pieces, by: PieceQueue(limit: pool.threadsForPieces), storage: storage, results: results)
        await results.settled()
        // What was posted is delivered on the loop, after the last job is done.
        try? await MultiThreadedEventLoopGroup.singleton.next().submit {}.get()
        #expect(storage.written == right)
        #expect(outcomes.withLock { $0.count } == 60)
        for (piece, outcome) in outcomes.withLock({ $0 }) {
            #expect((outcome == .stored(blockDigests: [])) == (right[piece] != nil))
        }
        await pool.shutdown()
    }
}
