// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import NIOCore

/// Connects one stream to a torrent's driver: what is to be written is collected over one turn of the session.
///
/// Lives on the stream's event loop, which is the torrent's.
final class PeerLink: PeerStreamReceiver {
    let id: ConnectionID
    private weak var driver: TorrentDriver?
    private let place: ConnectionBudget.Place
    private let stream: any PeerByteStream
    /// What is to be written.
    private var pending: ByteBuffer?

    init(id: ConnectionID, place: ConnectionBudget.Place, stream: any PeerByteStream, driver: TorrentDriver) {
        self.id = id
        self.place = place
        self.stream = stream
        self.driver = driver
    }

    /// Hears from the stream from now on.
    func start() { stream.receiver = self }

    func received(_ bytes: ByteBuffer) { driver?.received(bytes, from: id) }

    func wrote(_ count: Int, _ buffer: ByteBuffer?) { driver?.wrote(count, buffer, to: id) }

    func ended() { driver?.channelClosed(id) }

    // MARK: Sending

    /// - Returns: whether this is the first since the last ``flush()``.
    func append(_ bytes: [UInt8]) -> Bool {
        let isFirst = begin(bytes.count)
        pending?.writeBytes(bytes)
        return isFirst
    }

    func append(header: PieceHeader, block: ByteBuffer, range: Range<Int>) -> Bool {
        let isFirst = begin(range.count + PieceHeader.byteCount)
        pending?.writeMultipleIntegers(header.messageLength, PeerMessageID.piece, header.piece, header.offset)
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
        guard let buffer = pending.take() else { return }
        stream.write(buffer)
        stream.flush()
    }

    /// Closes after what was appended has been handed to the network.
    func close() {
        flush()
        stream.receiver = nil
        stream.close()
    }
}
