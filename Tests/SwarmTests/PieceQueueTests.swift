// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import NIOPosix
import Testing

@testable import Swarm

@Suite("Pieces that wait to be verified")
struct PieceQueueTests {
    private struct NoStorage: PieceStorage {
        func read(_ piece: PieceIndex, offset: Int, into bytes: inout MutableRawSpan) throws(PieceStorageError) {}
        func write(_ piece: PieceIndex, _ bytes: RawSpan) throws(PieceStorageError) {}
        func save(verified: Bitfield) throws(PieceStorageError) {}
    }

    private let buffer = PieceBuffer(capacity: 1)
    private let results = DiskResults(loop: MultiThreadedEventLoopGroup.singleton.next()) { _ in }

    private func entries(_ count: Int, length: Int) -> [PieceQueue.Entry] {
        (0..<count).map { number in
            let check = PieceCheck(
                piece: PieceIndex(Int32(number)),
                dataLength: length,
                paddedLength: length,
                v1: nil,
                v2: nil
            )
            return PieceQueue.Entry(check: check, buffer: buffer, storage: NoStorage(), results: results)
        }
    }

    @Test("one thread is called for the first piece, another only when a whole set waits")
    func threads() {
        let queue = PieceQueue(limit: 3)
        #expect(queue.add(entries(1, length: 1 << 20)) == 1)
        #expect(queue.take().count == 1)
        #expect(queue.add(entries(3, length: 1 << 20)) == 0)
        #expect(queue.add(entries(1, length: 1 << 20)) == 1)
        // The thread that was called has not come yet: these are the next set.
        #expect(queue.add(entries(4, length: 1 << 20)) == 1)
        #expect(queue.add(entries(40, length: 1 << 20)) == 0)
        #expect(queue.take().count == 4)
        #expect(queue.take().count == 4)
    }

    @Test("a thread is called again while something waits, and anew when something comes after that")
    func draining() {
        let queue = PieceQueue(limit: 1)
        #expect(queue.add(entries(10, length: 1 << 20)) == 1)
        #expect(queue.take().map(\.check.piece.raw) == [0, 1, 2, 3])
        #expect(queue.finished())
        #expect(queue.take().count == 4)
        #expect(queue.finished())
        #expect(queue.take().count == 2)
        #expect(!queue.finished())
        #expect(queue.add([]) == 0)
        #expect(queue.add(entries(1, length: 1 << 20)) == 1)
    }

    @Test("small pieces make larger sets, and long ones go alone", arguments: [(4096, 64), (65_536, 8), (16 << 20, 1)])
    func sizes(length: Int, together: Int) {
        let queue = PieceQueue(limit: 2)
        #expect(queue.add(entries(together * 2, length: length)) == 2)
        #expect(queue.take().count == together)
        #expect(queue.take().count == together)
        #expect(!queue.finished())
    }
}
