// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import Wire

/// A connection that begins plain and, where the other side ends that at once without a word, is made again obfuscated:
/// what was written is written again, and whoever uses the stream sees one that took a little longer.
///
/// Keeps what was written, up to ``maximumRepeated`` bytes, until a byte comes.
final class PlainFirstStream: PeerByteStream, PeerStreamReceiver {
    typealias Retry = (@escaping ((any PeerByteStream)?) -> Void) -> Void

    /// A handshake and what may go with it.
    static let maximumRepeated = 4096
    /// Who refuses plain connections does so as soon as it sees the first bytes.
    static let patience = TimeAmount.seconds(5)

    private enum Phase {
        /// Nothing has come.
        case first
        /// The second connection is being made.
        case between
        case settled
    }

    let endpoint: Endpoint
    var transport: PeerTransport { carrier.transport }
    var isObfuscated: Bool { carrier.isObfuscated }
    weak var receiver: (any PeerStreamReceiver)? {
        didSet { if phase != .between { carrier.receiver = receiver == nil ? nil : self } }
    }

    private var carrier: any PeerByteStream
    private var phase = Phase.first
    private var written: [ByteBuffer] = []
    private var writtenCount = 0
    /// What the receiver was told has been taken; the second time it is not told again.
    private var reported = 0
    private var untold = 0
    private var retry: Retry?
    private let deadline = NIODeadline.now() + PlainFirstStream.patience
    private var isClosed = false

    /// `retry`: makes the second connection.
    init(_ carrier: any PeerByteStream, retry: @escaping Retry) {
        (endpoint, self.carrier, self.retry) = (carrier.endpoint, carrier, retry)
    }

    func received(_ bytes: ByteBuffer) {
        if phase == .first { settle() }
        receiver?.received(bytes)
    }

    private func settle() {
        phase = .settled
        written = []
        retry = nil
    }

    func ended() {
        guard phase == .first, let retry, NIODeadline.now() < deadline else {
            receiver?.ended()
            return
        }
        phase = .between
        self.retry = nil
        carrier.receiver = nil
        retry { [self] stream in begin(again: stream) }
    }

    private func begin(again stream: (any PeerByteStream)?) {
        guard let stream else {
            phase = .settled
            receiver?.ended()
            return
        }
        guard !isClosed else { return stream.close() }
        carrier = stream
        untold = reported
        for bytes in written { carrier.write(bytes) }
        settle()
        carrier.flush()
        if receiver != nil { carrier.receiver = self }
    }

    func write(_ bytes: consuming ByteBuffer) {
        guard phase != .settled else { return carrier.write(bytes) }
        writtenCount += bytes.readableBytes
        guard writtenCount <= Self.maximumRepeated || phase == .between else {
            settle()
            return carrier.write(bytes)
        }
        written.append(copy bytes)
        if phase == .first { carrier.write(bytes) }
    }

    func flush() { if phase != .between { carrier.flush() } }

    func wrote(_ count: Int, _ buffer: ByteBuffer?) {
        let hidden = min(count, untold)
        untold -= hidden
        guard count > hidden else { return }
        if phase == .first { reported += count - hidden }
        // What may be needed again is not given away.
        receiver?.wrote(count - hidden, phase == .first ? nil : buffer)
    }

    func close() {
        isClosed = true
        carrier.receiver = nil
        carrier.close()
    }
}
