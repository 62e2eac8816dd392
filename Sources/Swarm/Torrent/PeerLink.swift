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
    private let buffers: BufferPool
    /// What is to be written, behind what the stream was given already.
    private var pending: ByteBuffer?
    private var isDirty = false
    /// What is to be heard before all that the stream delivers.
    private var early: ByteBuffer?

    init(id: ConnectionID, place: ConnectionBudget.Place, stream: any PeerByteStream, driver: TorrentDriver) {
        buffers = driver.buffers
        self.id = id
        self.place = place
        self.stream = stream
        self.driver = driver
    }

    /// Hears from the stream from now on, after `rest`, which came before. Not sooner may any of it be answered: what the network
    /// takes of an answer is told to nobody else.
    func start(after rest: ByteBuffer = ByteBuffer()) {
        early = rest.readableBytes > 0 ? rest : nil
        stream.receiver = self
        deliverEarly()
    }

    private func deliverEarly() {
        guard let bytes = early.take() else { return }
        driver?.received(bytes, from: id)
    }

    func received(_ bytes: ByteBuffer) {
        // The stream delivers what it has kept as soon as it has a receiver.
        deliverEarly()
        driver?.received(bytes, from: id)
    }

    func wrote(_ count: Int, _ buffer: ByteBuffer?) { driver?.wrote(count, buffer, to: id) }

    func ended() {
        deliverEarly()
        driver?.channelClosed(id)
    }

    // MARK: Sending

    /// - Returns: whether this is the first since the last ``flush()``.
    func append(_ bytes: [UInt8]) -> Bool {
        let isFirst = makeRoom(bytes.count)
        pending?.writeBytes(bytes)
        return isFirst
    }

    func append(header: PieceHeader, _ source: TorrentMemory.Source, _ range: Range<Int>) -> Bool {
        let isFirst = makeRoom(range.count + PieceHeader.byteCount)
        pending?.writeMultipleIntegers(header.messageLength, PeerMessageID.piece, header.piece, header.offset)
        // One copy into a long buffer costs less than a system call, or a vector entry, for each block.
        switch source {
        case .read(let buffer):
            let start = buffer.readerIndex + range.lowerBound
            if let part = buffer.viewBytes(at: start, length: range.count) { pending?.writeBytes(part) }
        case .piece(let buffer):
            buffer.withBytes(range.upperBound) { bytes in
                // SAFETY: the pointer is used within the closure.
                _ = unsafe bytes.extracting(range).withUnsafeBytes { unsafe pending?.writeBytes($0) }
            }
        }
        return isFirst
    }

    /// A buffer that is full goes to the stream at once: none grows, so that all are of the size that the pool keeps.
    private func makeRoom(_ count: Int) -> Bool {
        let isFirst = !isDirty
        isDirty = true
        if let full = pending, full.writableBytes < count {
            pending = nil
            stream.write(full)
        }
        if pending == nil { pending = buffers.take(atLeast: count) }
        return isFirst
    }

    func flush() {
        guard isDirty else { return }
        isDirty = false
        if let buffer = pending.take() { stream.write(buffer) }
        stream.flush()
    }

    /// Closes after what was appended has been handed to the network.
    func close() {
        flush()
        stream.receiver = nil
        stream.close()
    }
}
