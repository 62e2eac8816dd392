// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Page-aligned memory for one piece.
///
/// Owned by one side at a time: the event loop fills it, then hands it to one worker, which hands it back to the pool.
// SAFETY: `Sendable` is asserted because ownership moves as described; no two threads touch the memory at once.
@safe
final class PieceBuffer: @unchecked Sendable {
    private let memory: UnsafeMutableRawBufferPointer
    let capacity: Int

    init(capacity: Int) {
        self.capacity = capacity
        unsafe memory = .allocate(byteCount: capacity, alignment: 4096)
    }

    deinit { unsafe memory.deallocate() }

    /// Copies `bytes` to `offset`; what would lie outside is not copied.
    func copy(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        let count = bytes.count
        guard offset >= 0, offset + count <= capacity else { return }
        // SAFETY: the range was checked against the allocation.
        unsafe UnsafeMutableRawBufferPointer(rebasing: memory[offset..<offset + count]).copyMemory(from: bytes)
    }

    /// The first `count` bytes, which the caller has filled.
    func withBytes<Result>(_ count: Int, _ body: (RawSpan) -> Result) -> Result {
        precondition(count <= capacity, "a piece is larger than its buffer")
        // SAFETY: the span does not outlive the call, and the buffer is alive during it.
        let span = unsafe RawSpan(
            _unsafeBytes: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[0..<count])
        )
        return body(span)
    }

    /// The first `count` bytes of each, which the callers have filled.
    @unsafe
    static func withBytes<Result>(
        of buffers: [PieceBuffer],
        _ count: Int,
        _ body: ([UnsafeRawBufferPointer]) -> Result
    ) -> Result {
        precondition(buffers.allSatisfy { count <= $0.capacity }, "a piece is larger than its buffer")
        // SAFETY: the buffers are alive until the body has returned.
        return withExtendedLifetime(buffers) {
            unsafe body(
                buffers.map { unsafe UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer($0.memory)[0..<count]) }
            )
        }
    }

    func withMutableBytes<Result>(_ count: Int, _ body: (inout MutableRawSpan) -> Result) -> Result {
        precondition(count <= capacity, "a piece is larger than its buffer")
        // SAFETY: as above, and the caller owns the buffer.
        var span = unsafe MutableRawSpan(_unsafeBytes: UnsafeMutableRawBufferPointer(rebasing: memory[0..<count]))
        return body(&span)
    }
}

/// Piece buffers that are kept for the next piece: memory that was never touched is the most expensive of all.
///
/// Keeps at most ``retained`` bytes that are not in use; what is in use is bounded by the sessions.
final class PieceBufferPool: Sendable {
    private struct State {
        var free: [Int: [PieceBuffer]] = [:]
        var freeBytes = 0
    }

    let retained: Int
    private let state = Mutex(State())

    init(retained: Int) { self.retained = retained }

    /// A buffer of at least `length` bytes, its content undefined.
    func take(_ length: Int) -> PieceBuffer {
        let size = Self.size(for: length)
        let found: PieceBuffer? = state.withLock { state in
            guard let buffer = state.free[size]?.popLast() else { return nil }
            state.freeBytes -= size
            return buffer
        }
        return found ?? PieceBuffer(capacity: size)
    }

    func give(_ buffer: PieceBuffer) {
        state.withLock { state in
            guard state.freeBytes + buffer.capacity <= retained else { return }
            state.free[buffer.capacity, default: []].append(buffer)
            state.freeBytes += buffer.capacity
        }
    }

    /// Gives everything that is not in use back to the system.
    func trim() { state.withLock { $0 = State() } }

    /// Powers of two from 16 KiB, so that few sizes exist.
    private static func size(for length: Int) -> Int {
        var size = 16_384
        while size < length { size *= 2 }
        return size
    }
}
