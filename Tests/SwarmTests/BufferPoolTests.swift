// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOPosix
import Testing

@testable import Swarm

@Suite("Buffers that are used again")
struct BufferPoolTests {
    /// Runs on the pool's loop.
    private func onLoop(_ body: @escaping @Sendable (BufferPool) -> Void) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        try await loop.submit { body(BufferPool(loop: loop)) }.get()
    }

    @Test("A buffer that was given back is taken again, empty; what is of another size is not kept")
    func reuse() async throws {
        try await onLoop { pool in
            var buffer = pool.take(atLeast: 100_000)
            #expect(buffer.capacity == BufferPool.unit)
            buffer.writeInteger(7)
            pool.give(buffer)
            pool.give(ByteBuffer(bytes: [1, 2, 3]))
            pool.give(ByteBufferAllocator().buffer(capacity: 4 * BufferPool.unit))
            #expect(pool.freeCount == 1)
            #expect(pool.take(atLeast: 17).readableBytes == 0 && pool.freeCount == 0)
            #expect(pool.take(atLeast: 17).capacity < 4096, "a message of its own is not worth a long buffer")
            #expect(pool.take(atLeast: 3 * BufferPool.unit).capacity >= 3 * BufferPool.unit)
        }
    }

    @Test("It keeps 16 MiB, and after a while no more than were needed meanwhile")
    func bounded() async throws {
        try await onLoop { pool in
            let many = (0..<100).map { _ in pool.take(atLeast: BufferPool.unit) }
            for buffer in many { pool.give(buffer) }
            #expect(pool.freeCount == BufferPool.capacity)
            pool.trim()
            #expect(pool.freeCount == BufferPool.capacity, "these were in use until now")
            let few = (0..<3).map { _ in pool.take(atLeast: BufferPool.unit) }
            for buffer in few { pool.give(buffer) }
            pool.trim()
            #expect(pool.freeCount == 3)
            pool.trim()
            #expect(pool.freeCount == 0)
        }
    }
}
