// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import NIOCore
internal import Wire

/// A stream inside another one that hides it (`docs/protocols/obfuscation.md`).
///
/// Who dials may write at once: the first bytes go with the handshake, and what cannot waits until the handshake is over.
/// A handshake that fails ends the stream; how long one may take is up to whoever waits for its first payload.
final class ObfuscatedPeerStream: PeerByteStream, PeerStreamReceiver {
    let endpoint: Endpoint
    var transport: PeerTransport { carrier.transport }
    var isObfuscated: Bool { true }
    weak var receiver: (any PeerStreamReceiver)? {
        didSet { if receiver != nil { deliverKept() } }
    }

    private let carrier: any PeerByteStream
    private let shared: Obfuscation
    private var machine: ObfuscatedConnection
    /// Finds the hash behind an obfuscated name, for those who dialled us.
    private let hashes: (Digest160) -> Digest160?
    /// Told once whether the other side took the handshake.
    private var settled: ((Bool) -> Void)?
    /// What was written too early.
    private var waiting: [ByteBuffer] = []
    private var prepended = 0
    /// Bytes of the handshake itself that the network has not taken yet; they go before all payload.
    private var overhead = 0
    /// Payload that came while there was no receiver.
    private var kept = ByteBuffer()
    private var hasEnded = false
    private var isClosed = false

    /// A connection that we made, about `hash`. `settled`: see the property.
    init(
        dialling hash: Digest160,
        over carrier: any PeerByteStream,
        sharing shared: Obfuscation,
        settled: @escaping (Bool) -> Void
    ) {
        var random = SystemRandomNumberGenerator()
        machine = ObfuscatedConnection(dialling: hash, methods: shared.policy.methods, random: &random)
        hashes = { _ in nil }
        (endpoint, self.carrier, self.shared, self.settled) = (carrier.endpoint, carrier, shared, settled)
    }

    /// A connection that somebody made to us.
    init(
        accepting carrier: any PeerByteStream,
        sharing shared: Obfuscation,
        hashes: @escaping (Digest160) -> Digest160?
    ) {
        var random = SystemRandomNumberGenerator()
        machine = ObfuscatedConnection(acceptingWith: shared.policy.methods, random: &random)
        self.hashes = hashes
        (endpoint, self.carrier, self.shared) = (carrier.endpoint, carrier, shared)
    }

    /// Begins. `received`: what came already.
    func start(received: ByteBuffer? = nil) {
        sendHandshake(machine.opening())
        carrier.receiver = self
        if let received, received.readableBytes > 0 { self.received(received) }
    }

    // MARK: Receiving

    func received(_ bytes: ByteBuffer) {
        guard !isClosed, !hasEnded else { return }
        guard machine.isEstablished else { return shakeHands(bytes) }
        deliver(shared.decrypted(bytes, by: &machine))
    }

    private func shakeHands(_ bytes: ByteBuffer) {
        do {
            let output = try machine.receive(bytes.readableBytesView, hashes: hashes)
            // Who dialled says only one thing more, and what was written goes with it.
            sendHandshake(output.send, payload: output.send.isEmpty ? 0 : prepended)
            if machine.isEstablished { established() }
            if !output.received.isEmpty { deliver(ByteBuffer(bytes: output.received)) }
        } catch {
            carrier.receiver = nil
            carrier.close()
            ended()
        }
    }

    private func established() {
        settle(true)
        for bytes in waiting { send(bytes) }
        if !waiting.isEmpty { carrier.flush() }
        waiting = []
    }

    private func settle(_ success: Bool) {
        settled?(success)
        settled = nil
    }

    private func deliver(_ bytes: ByteBuffer) {
        if let receiver { return receiver.received(bytes) }
        var bytes = bytes
        kept.writeBuffer(&bytes)
        // The carrier keeps what comes next, up to its own bound.
        if kept.readableBytes >= PeerStreamBounds.unheardBytes { carrier.receiver = nil }
    }

    private func deliverKept() {
        guard !isClosed else { return }
        if kept.readableBytes > 0 {
            let bytes = kept
            kept = ByteBuffer()
            receiver?.received(bytes)
        }
        if carrier.receiver == nil, !hasEnded { carrier.receiver = self } else if hasEnded { receiver?.ended() }
    }

    func ended() {
        guard !hasEnded else { return }
        hasEnded = true
        waiting = []
        if !isClosed {
            settle(false)
            receiver?.ended()
        }
    }

    // MARK: Sending

    func write(_ bytes: consuming ByteBuffer) {
        guard !isClosed, !hasEnded else { return }
        if machine.isEstablished { return send(bytes) }
        if waiting.isEmpty, machine.prepend(Array(bytes.readableBytesView)) {
            prepended += bytes.readableBytes
        } else {
            waiting.append(bytes)
        }
    }

    func flush() { if machine.isEstablished { carrier.flush() } }

    func close() {
        isClosed = true
        settled = nil
        waiting = []
        kept = ByteBuffer()
        carrier.receiver = nil
        carrier.close()
    }

    private func send(_ bytes: consuming ByteBuffer) {
        if machine.encrypts {
            // SAFETY: the buffer's own bytes, for the duration of the call.
            unsafe bytes.withUnsafeMutableReadableBytes { unsafe machine.encrypt($0) }
        }
        carrier.write(bytes)
    }

    /// `payload`: how many of the bytes were written by whoever uses the stream.
    private func sendHandshake(_ bytes: [UInt8], payload: Int = 0) {
        guard !bytes.isEmpty else { return }
        overhead += bytes.count - payload
        carrier.write(ByteBuffer(bytes: bytes))
        carrier.flush()
    }

    func wrote(_ count: Int, _ buffer: ByteBuffer?) {
        let own = min(count, overhead)
        overhead -= own
        if count > own { receiver?.wrote(count - own, buffer) }
    }
}
