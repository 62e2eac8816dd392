// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import NIOCore
internal import Wire

/// What the obfuscated connections of a swarm share. Confined to the swarm's event loop.
///
/// Memory: at most ``capacity`` addresses, and one buffer as long as the longest read from a socket.
final class Obfuscation {
    static let capacity = 1024

    /// How to begin with a peer.
    enum Beginning: Equatable {
        case plain
        /// Plain; obfuscated if that ends without a byte.
        case plainFirst
        case obfuscated
    }

    let policy: EncryptionPolicy
    /// Peers of which it is known how they want to be dialled: true for obfuscated.
    private var habits: [Endpoint: Bool] = [:]
    private var order: [Endpoint] = []
    /// Where bytes that came are decrypted: a buffer from the network may be shared, and would be copied for each read.
    private var scratch = ByteBuffer()

    init(policy: EncryptionPolicy) {
        self.policy = policy
    }

    /// `isPreferred`: somebody said that the peer wants to be dialled so.
    func beginning(with endpoint: Endpoint, isPreferred: Bool) -> Beginning {
        switch policy {
        case .off: .plain
        case .require: .obfuscated
        case .offer:
            switch habits[endpoint] {
            case true?: .obfuscated
            case false?: .plain
            case nil: isPreferred ? .obfuscated : .plainFirst
            }
        }
    }

    /// How a peer took an obfuscated handshake. One that did not is dialled plain the next time, and after that as if nothing
    /// were known.
    func remember(_ endpoint: Endpoint, takesObfuscated: Bool) {
        if habits.updateValue(takesObfuscated, forKey: endpoint) == nil { order.append(endpoint) }
        guard order.count > Self.capacity else { return }
        habits[order.removeFirst()] = nil
    }

    /// A plain connection ended without a byte.
    func forget(_ endpoint: Endpoint) {
        guard habits.removeValue(forKey: endpoint) != nil else { return }
        order.removeAll { $0 == endpoint }
    }

    /// What `bytes` mean.
    func decrypted(_ bytes: ByteBuffer, by machine: inout ObfuscatedConnection) -> ByteBuffer {
        guard machine.decrypts else { return bytes }
        // Without a copy unless whoever got the last one still has it.
        scratch.clear()
        scratch.writeImmutableBuffer(bytes)
        // SAFETY: the buffer's own bytes, for the duration of the call.
        unsafe scratch.withUnsafeMutableReadableBytes { unsafe machine.decrypt($0) }
        return scratch
    }
}
