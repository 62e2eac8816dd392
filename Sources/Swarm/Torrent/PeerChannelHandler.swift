// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import NIOCore

/// Connects one channel to a torrent's driver: everything between socket and session, in one handler.
///
/// Lives on the channel's event loop, which is the torrent's.
final class PeerChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let id: ConnectionID
    private weak var driver: TorrentDriver?
    private let place: ConnectionBudget.Place
    private var context: ChannelHandlerContext?
    /// What is to be written, collected over one turn of the session.
    private var pending: ByteBuffer?
    private var isClosed = false

    init(id: ConnectionID, place: ConnectionBudget.Place, driver: TorrentDriver) {
        self.id = id
        self.place = place
        self.driver = driver
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        ended()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        driver?.received(Self.unwrapInboundIn(data), from: id)
    }

    func channelInactive(context: ChannelHandlerContext) {
        ended()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func ended() {
        guard !isClosed else { return }
        isClosed = true
        driver?.channelClosed(id)
    }

    // MARK: Sending

    /// - Returns: whether this is the first since the last ``flush()``.
    func append(_ bytes: [UInt8]) -> Bool {
        let isFirst = begin(bytes.count)
        pending?.writeBytes(bytes)
        return isFirst
    }

    func append(header: [UInt8], block: ByteBuffer, range: Range<Int>) -> Bool {
        let isFirst = begin(range.count + header.count)
        pending?.writeBytes(header)
        // One copy into a long buffer costs less than a system call, or a vector entry, for each block.
        if let part = block.viewBytes(at: block.readerIndex + range.lowerBound, length: range.count) {
            pending?.writeBytes(part)
        }
        return isFirst
    }

    private func begin(_ count: Int) -> Bool {
        guard pending == nil else { return false }
        pending = driver?.takeBuffer(atLeast: count) ?? ByteBufferAllocator().buffer(capacity: count)
        return true
    }

    func flush() {
        guard let buffer = pending else { return }
        pending = nil
        guard let context, !isClosed else { return }
        let count = buffer.readableBytes
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { [weak self] _ in
            guard let self else { return }
            self.driver?.wrote(count, buffer, to: self.id)
        }
        context.writeAndFlush(Self.wrapOutboundOut(buffer), promise: promise)
    }

    /// Closes after what was appended has been handed to the kernel.
    func close() {
        flush()
        isClosed = true
        context?.close(promise: nil)
    }
}
