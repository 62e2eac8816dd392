// SPDX-License-Identifier: Apache-2.0

/// Whether connections to peers are obfuscated (Message Stream Encryption).
///
/// It hides what a connection is from equipment on the way that slows BitTorrent down. It is no security: who knows the
/// infohash can read everything, and nothing is authenticated (`docs/protocols/obfuscation.md`).
public enum EncryptionPolicy: String, CaseIterable, Sendable {
    /// Both kinds are accepted. We dial plain first, and obfuscated who closes that at once or is known to want it.
    case offer
    /// Only obfuscated connections, and in them only encrypted payload.
    case require
    /// Only plain connections.
    case off

    /// Whether a connection may begin with BitTorrent's own handshake.
    public var acceptsPlain: Bool { self != .require }
    /// Whether a connection may begin with a key exchange.
    public var acceptsObfuscated: Bool { self != .off }

    /// What we can do with the payload once the handshake is over.
    public var methods: ObfuscationMethods { self == .require ? .rc4 : [.plain, .rc4] }
}

/// The bits of `crypto_provide` and `crypto_select`. Unknown bits are kept and ignored.
public struct ObfuscationMethods: OptionSet, Hashable, Sendable {
    /// As the four bytes of the handshake have it.
    public let rawValue: UInt32
    /// Any bits, as a peer may send them.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Only the handshake is hidden.
    public static let plain = ObfuscationMethods(rawValue: 0x01)
    /// Everything is encrypted.
    public static let rc4 = ObfuscationMethods(rawValue: 0x02)

    /// The one method to use of those that both sides can: payload that needs no cipher costs less.
    func choice(of provided: ObfuscationMethods) -> ObfuscationMethods? {
        let common = intersection(provided)
        if common.contains(.plain) { return .plain }
        return common.contains(.rc4) ? .rc4 : nil
    }
}
