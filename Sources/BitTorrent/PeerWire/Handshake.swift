// SPDX-License-Identifier: Apache-2.0
public import Wire

/// The 68 bytes with which each side of a peer connection begins (BEP 3): protocol name, reserved bits, hash, peer id.
public struct Handshake: Equatable, Sendable {
    /// One for the length of the name, 19 of the name, 8 reserved, 20 of hash, 20 of peer id.
    public static let byteCount = 68
    /// Up to and with the hash: enough to know which session a connection is for.
    public static let prefixByteCount = 48

    private static let protocolName: [UInt8] = [19] + Array("BitTorrent protocol".utf8)

    /// What a side says it can do. Bits that nobody defined are kept as received.
    public struct Capabilities: OptionSet, Hashable, Sendable {
        /// The eight reserved bytes, the first in the highest bits.
        public let rawValue: UInt64
        /// Any bits, as a peer may send them.
        public init(rawValue: UInt64) { self.rawValue = rawValue }

        /// BEP 10 messages: byte 5, 0x10.
        public static let extensions = Capabilities(rawValue: 0x10_0000)
        /// BEP 6: byte 7, 0x04.
        public static let fast = Capabilities(rawValue: 0x04)
        /// BEP 5: byte 7, 0x01.
        public static let dht = Capabilities(rawValue: 0x01)
        /// BEP 52: byte 7, 0x10. Sent with a v1 hash it invites the other side to answer with the v2 hash.
        public static let v2 = Capabilities(rawValue: 0x10)
    }

    /// Of the side that sent it.
    public var capabilities: Capabilities
    /// The v1 infohash, the first 20 bytes of a v2 one, or of a site id.
    public var hash: Digest160
    /// What a side calls itself: not proven, and the same twice where a side meets itself.
    public var peerID: Digest160

    /// What is sent first.
    public init(capabilities: Capabilities, hash: Digest160, peerID: Digest160) {
        self.capabilities = capabilities
        self.hash = hash
        self.peerID = peerID
    }

    /// The 68 bytes.
    public var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        bytes += Self.protocolName
        bytes.append(bigEndian: capabilities.rawValue)
        bytes.append(hash)
        bytes.append(peerID)
        return bytes
    }

    /// Reads the first 68 bytes of `bytes`; nil while there are fewer.
    ///
    /// - Throws: ``PeerWireError/notBitTorrent`` as soon as a byte of the protocol name differs.
    public static func parse(_ bytes: ArraySlice<UInt8>) throws(PeerWireError) -> Handshake? {
        guard let (capabilities, hash) = try parsePrefix(bytes) else { return nil }
        let id = bytes.dropFirst(prefixByteCount).prefix(Digest160.byteCount)
        guard let peerID = Digest160(id) else { return nil }
        return Handshake(capabilities: capabilities, hash: hash, peerID: peerID)
    }

    /// Reads the first 48 bytes: who dials may hold back its peer id until it has ours. Nil while there are fewer.
    public static func parsePrefix(
        _ bytes: ArraySlice<UInt8>
    ) throws(PeerWireError) -> (capabilities: Capabilities, hash: Digest160)? {
        guard zip(bytes, protocolName).allSatisfy({ $0 == $1 }) else { throw .notBitTorrent }
        var reader = ByteReader(bytes.dropFirst(protocolName.count))
        guard bytes.count >= prefixByteCount, let reserved = reader.read(UInt64.self),
            let hash = reader.read(Digest160.self)
        else { return nil }
        return (Capabilities(rawValue: reserved), hash)
    }
}
