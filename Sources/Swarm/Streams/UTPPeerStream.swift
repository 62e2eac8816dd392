// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import Transport
internal import Wire

/// A peer's uTP connection (BEP 29). Kept alive by whoever uses it.
///
/// What comes while there is no receiver makes the window that the other side sees smaller, until there is one.
final class UTPPeerStream: PeerByteStream, UTPStreamReceiver {
    var endpoint: Endpoint { stream.endpoint }
    var transport: PeerTransport { .utp }
    var isObfuscated: Bool { false }
    weak var receiver: (any PeerStreamReceiver)? {
        didSet { if receiver != nil { deliverKept() } }
    }

    private let stream: UTPStream
    private var kept = ByteBuffer()
    private var hasEnded = false
    private var isClosed = false

    init(_ stream: UTPStream) {
        self.stream = stream
        stream.receiver = self
    }

    func write(_ bytes: consuming ByteBuffer) { stream.write(bytes) }

    func flush() { stream.flush() }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        kept = ByteBuffer()
        stream.close()
    }

    // MARK: Events

    func received(_ bytes: ByteBuffer) {
        guard !isClosed else { return }
        if let receiver { return receiver.received(bytes) }
        var bytes = bytes
        stream.kept(bytes.readableBytes)
        kept.writeBuffer(&bytes)
    }

    func wrote(_ count: Int, _ buffer: ByteBuffer?) {
        if !isClosed { receiver?.wrote(count, buffer) }
    }

    func ended() {
        guard !isClosed else { return }
        hasEnded = true
        guard let receiver else { return }
        close()
        receiver.ended()
    }

    private func deliverKept() {
        guard !isClosed else { return }
        if kept.readableBytes > 0 {
            let bytes = kept
            kept = ByteBuffer()
            stream.consumed(bytes.readableBytes)
            receiver?.received(bytes)
        }
        if hasEnded { ended() }
    }
}
