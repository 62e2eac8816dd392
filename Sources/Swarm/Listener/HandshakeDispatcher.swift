// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import NIOCore
internal import Wire

/// Collects the first 48 bytes of a stream and hands it to whoever has registered for the hash in them. A stream that does
/// not begin like BitTorrent is taken for an obfuscated one, and its first bytes are what that hides.
///
/// Kept alive by the listener's ``WaitingRoom`` until then. Confined to the stream's event loop.
final class HandshakeDispatcher: PeerStreamReceiver {
    private var stream: any PeerByteStream
    private let listener: SwarmListener
    private let loop: any EventLoop
    /// Its place in the waiting room.
    private var number: UInt64 = 0
    private var collected = ByteBuffer()
    private var timeout: Scheduled<Void>?
    private var isDone = false

    init(stream: any PeerByteStream, listener: SwarmListener, loop: any EventLoop) {
        self.stream = stream
        self.listener = listener
        self.loop = loop
    }

    func start(_ number: UInt64) {
        self.number = number
        timeout = loop.assumeIsolated().scheduleTask(in: listener.patience) { [weak self] in self?.refuse() }
        stream.receiver = self
    }

    /// Closes the stream.
    func refuse() {
        guard !isDone else { return }
        finish()
        stream.close()
    }

    func received(_ bytes: ByteBuffer) {
        var bytes = bytes
        collected.writeBuffer(&bytes)
        dispatch()
    }

    func wrote(_ count: Int, _ buffer: ByteBuffer?) {}

    func ended() { finish() }

    private func dispatch() {
        let count = min(collected.readableBytes, Handshake.prefixByteCount)
        let prefix = collected.getBytes(at: collected.readerIndex, length: count) ?? []
        do throws(PeerWireError) {
            guard let greeting = try Handshake.parsePrefix(prefix[...]) else { return }
            guard stream.isObfuscated || listener.acceptsPlain(greeting.hash),
                let acceptor = listener.acceptor(of: greeting.hash)
            else { return refuse() }
            finish()
            acceptor(IncomingConnection(stream, on: loop, greeting, received: collected))
        } catch {
            guard !stream.isObfuscated, listener.policy.acceptsObfuscated else { return refuse() }
            reveal()
        }
    }

    private func reveal() {
        let hidden = listener.reveal(stream)
        let first = collected
        collected = ByteBuffer()
        stream = hidden
        hidden.receiver = self
        hidden.start(received: first)
    }

    private func finish() {
        guard !isDone else { return }
        isDone = true
        timeout?.cancel()
        stream.receiver = nil
        listener.ended(number)
    }
}
