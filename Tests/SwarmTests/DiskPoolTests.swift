// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Dispatch
import NIOPosix
import Synchronization
import Testing

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
}
