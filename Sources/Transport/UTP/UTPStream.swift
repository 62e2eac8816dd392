// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
internal import DequeModule
public import NIOCore
public import Wire

/// Hears of one uTP stream. Called on its event loop, never from within a call of the stream.
public protocol UTPStreamReceiver: AnyObject {
    func received(_ bytes: ByteBuffer)
    /// So many bytes more have been sent for the first time. `buffer`: the memory of a write of which all has arrived.
    func wrote(_ count: Int, _ buffer: ByteBuffer?)
    /// The other side has ended, or the connection is lost.
    func ended()
}

/// One uTP connection with its bytes. Confined to the event loop of its ``UTPTransport``.
///
/// Memory: what was written and has not arrived (what fits into the congestion window, 64 MiB at most, and what its user
/// writes ahead), and what came early or was not heard, within the connection's receive window.
public final class UTPStream {
    /// A buffer that was written, from its offset in the stream.
    private struct Chunk {
        var offset: Int64
        var buffer: ByteBuffer

        var end: Int64 { offset + Int64(buffer.readableBytes) }
    }

    private static let fullBytes = 192 << 10

    /// The other side.
    public let endpoint: Endpoint
    public weak var receiver: (any UTPStreamReceiver)?
    let id: UTPConnectionID
    let address: [UInt8]
    private weak var transport: UTPTransport?
    private var chunks: Deque<Chunk> = []
    private var written: Int64 = 0
    /// How far bytes have been sent once, and how far the receiver knows it.
    private var sent: Int64 = 0
    private var reported: Int64 = 0
    private var arrivedBuffers: [ByteBuffer] = []
    /// What came since the receiver was last called.
    private var incoming = ByteBuffer()
    private var held: [UInt16: ByteBuffer] = [:]
    private var hasEnded = false
    private var isClosed = false
    private var endReported = false
    /// In the transport's list of streams with something to tell.
    var isEventful = false

    init(_ id: UTPConnectionID, _ endpoint: Endpoint, _ transport: UTPTransport) {
        self.id = id
        self.endpoint = endpoint
        self.transport = transport
        address = endpoint.address.bytes
    }

    // MARK: Commands

    /// Queues bytes; they leave with the next ``flush()``.
    public func write(_ bytes: ByteBuffer) {
        guard !isClosed, !hasEnded, bytes.readableBytes > 0 else { return }
        chunks.append(Chunk(offset: written, buffer: bytes))
        written += Int64(bytes.readableBytes)
        transport?.write(self, bytes.readableBytes)
    }

    /// Sends what was written as soon as the windows allow: now, or at the end of the turn under way.
    public func flush() { transport?.flushSoon() }

    /// Ends the stream behind what was written. The receiver hears nothing more.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        receiver = nil
        incoming = ByteBuffer()
        held = [:]
        transport?.close(self)
    }

    /// So many received bytes wait elsewhere for somebody to read them: the other side may send that much less.
    public func kept(_ count: Int) { transport?.kept(self, count) }

    /// They were read.
    public func consumed(_ count: Int) { transport?.consumed(self, count) }

    /// How the connection fares; nil once it is no more.
    public var statistics: UTPStatistics? { transport?.statistics(self) }

    // MARK: What comes

    /// So much has come that it should be handed on now, while it is in the processor's cache.
    var isFull: Bool { incoming.readableBytes >= Self.fullBytes }

    func take(_ bytes: UnsafeRawBufferPointer) { if !isClosed { unsafe incoming.writeBytes(bytes) } }

    func hold(_ key: UInt16, _ bytes: UnsafeRawBufferPointer) {
        if !isClosed { held[key] = unsafe ByteBuffer(bytes: bytes) }
    }

    func release(first: UInt16, count: Int) {
        for offset in 0..<UInt16(clamping: count) {
            if var bytes = held.removeValue(forKey: first &+ offset) { incoming.writeBuffer(&bytes) }
        }
    }

    func end() { hasEnded = true }

    /// Tells the receiver what has come about.
    func report() {
        reportReceived()
        reportSent()
        guard hasEnded, !endReported, let receiver else { return }
        endReported = true
        receiver.ended()
    }

    private func reportReceived() {
        guard incoming.readableBytes > 0, let receiver else { return }
        var bytes = ByteBuffer()
        swap(&bytes, &incoming)
        receiver.received(bytes)
        // The receiver is done with it, and the memory is ours again; who gets little needs no long buffer.
        guard incoming.readableBytes == 0, bytes.readableBytes >= bytes.capacity / 16 else { return }
        bytes.clear()
        incoming = bytes
    }

    private func reportSent() {
        let news = sent - reported
        reported = sent
        let buffers = arrivedBuffers
        arrivedBuffers = []
        guard news > 0 || !buffers.isEmpty else { return }
        receiver?.wrote(Int(news), buffers.first)
        for buffer in buffers.dropFirst() { receiver?.wrote(0, buffer) }
    }

    // MARK: What leaves

    /// Calls `body` with the memory of a stretch of the stream, piece by piece.
    func withBytes(_ offset: Int64, _ count: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
        guard count > 0 else { return }
        sent = max(sent, offset + Int64(count))
        var index = index(of: offset)
        var offset = offset
        var left = count
        while left > 0, index < chunks.count {
            let chunk = chunks[index]
            let start = Int(offset - chunk.offset)
            let length = min(left, chunk.buffer.readableBytes - start)
            // SAFETY: the buffer stays in the queue, unchanged, until all of it has arrived; the memory is used before this
            // turn of the event loop ends.
            unsafe chunk.buffer.withUnsafeReadableBytes { bytes in
                unsafe body(UnsafeRawBufferPointer(rebasing: bytes[start..<start + length]))
            }
            offset += Int64(length)
            left -= length
            index += 1
        }
    }

    private func index(of offset: Int64) -> Int {
        var low = 0
        var high = chunks.count
        while low < high {
            let middle = (low + high) / 2
            if chunks[middle].end <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    func arrived(before offset: Int64) {
        while let first = chunks.first, first.end <= offset {
            arrivedBuffers.append(first.buffer)
            chunks.removeFirst()
        }
    }
}
