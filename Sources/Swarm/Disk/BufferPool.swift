// SPDX-License-Identifier: Apache-2.0
internal import NIOCore

/// Buffers of one size for what is read from disk and what is written to peers, shared by all torrents of an event loop, and
/// used by it alone. Memory that was never touched is the most expensive of all.
///
/// Keeps at most ``capacity`` buffers that are not in use, and after ``patience`` no more than were needed meanwhile; what is in
/// use is bounded by the sessions.
final class BufferPool {
    /// Bytes of a buffer: what is read at once.
    static let unit = 1 << 18
    /// 16 MiB.
    static let capacity = 64
    static let patience = TimeAmount.seconds(5)
    /// Below this a buffer of its own costs less.
    private static let small = 4096

    private let loop: any EventLoop
    private var free: [ByteBuffer] = []
    /// The fewest that lay unused since they were last looked at.
    private var unneeded = 0
    private var isWatched = false

    init(loop: any EventLoop) { self.loop = loop }

    /// Buffers that are not in use.
    var freeCount: Int { free.count }

    /// An empty buffer with room for `count` bytes at least.
    func take(atLeast count: Int) -> ByteBuffer {
        if count <= Self.unit, var buffer = free.popLast() {
            unneeded = min(unneeded, free.count)
            buffer.clear()
            return buffer
        }
        return ByteBufferAllocator().buffer(capacity: count <= Self.small ? count : max(count, Self.unit))
    }

    /// An empty buffer for `count` bytes that will stay: a few bytes must not hold a long one.
    func take(toKeep count: Int) -> ByteBuffer {
        count <= Self.unit / 8 ? ByteBufferAllocator().buffer(capacity: count) : take(atLeast: count)
    }

    /// A buffer whose content nobody needs any more.
    func give(_ buffer: ByteBuffer) {
        guard buffer.capacity == Self.unit, free.count < Self.capacity else { return }
        free.append(buffer)
        guard !isWatched else { return }
        isWatched = true
        unneeded = 0
        watch()
    }

    private func watch() {
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: Self.patience) { bound.value.trim() }
    }

    /// Gives back what nobody needed for a while; the rest is looked at again.
    func trim() {
        free.removeFirst(min(unneeded, free.count))
        unneeded = free.count
        isWatched = !free.isEmpty
        if isWatched { watch() }
    }
}
