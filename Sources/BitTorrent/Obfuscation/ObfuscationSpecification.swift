// SPDX-License-Identifier: Apache-2.0
internal import Keys
public import Wire

/// The fixed numbers and hashes of Message Stream Encryption (the Vuze wiki's "Message Stream Encryption", 2006).
public enum ObfuscationSpecification {
    /// A public key, and the shared secret.
    public static let keyByteCount = 96
    /// "You should use a length of 160 bits whenever possible."
    public static let privateKeyByteCount = 20
    /// PadA to PadD: 0 to 512 bytes each.
    public static let maximumPadding = 512
    /// The verification constant: eight zero bytes.
    static let verificationByteCount = 8
    /// Bytes of each keystream that nobody sees.
    static let discardedKeystream = 1024
    /// The most that a side may send before its place in the stream is known: public key, padding and the mark itself.
    static let maximumBeforeRequest = keyByteCount + maximumPadding + Digest160.byteCount
    static let maximumBeforeVerification = keyByteCount + maximumPadding + verificationByteCount
    /// `len(IA)` has two bytes; an honest peer sends its handshake and, at most, its first messages.
    static let maximumInitialPayload = 65_535

    /// HASH('req1', S): where the padding of who dialled ends.
    static func requestMark(_ secret: [UInt8]) -> Digest160 { Hash.sha1(Array("req1".utf8) + secret) }

    /// HASH('req2', SKEY): stands for a torrent towards those who know it. ``ObfuscatedHashes`` keeps these.
    public static func name(of hash: Digest160) -> Digest160 { Hash.sha1(Array("req2".utf8) + hash.bytes) }

    /// HASH('req3', S): covers ``name(of:)`` on the way.
    static func cover(_ secret: [UInt8]) -> Digest160 { Hash.sha1(Array("req3".utf8) + secret) }

    /// HASH('keyA', S, SKEY): what who dialled sends with.
    static func initiatorCipher(_ secret: [UInt8], _ hash: Digest160) -> RC4 {
        RC4(key: Hash.sha1(Array("keyA".utf8) + secret + hash.bytes).bytes, discarding: discardedKeystream)
    }

    /// HASH('keyB', S, SKEY): what who was dialled sends with.
    static func responderCipher(_ secret: [UInt8], _ hash: Digest160) -> RC4 {
        RC4(key: Hash.sha1(Array("keyB".utf8) + secret + hash.bytes).bytes, discarding: discardedKeystream)
    }
}

/// The hashes under which we are reached, by the name that an obfuscated handshake has for them: one look-up finds a
/// torrent among any number, and the work of hashing is done once for each torrent and not for each connection.
///
/// 40 bytes of content an entry.
public struct ObfuscatedHashes: Sendable {
    private var hashes: [Digest160: Digest160] = [:]

    /// No torrent: every connection to us fails to name one.
    public init() {}

    /// A torrent that may be asked for from now on.
    public mutating func insert(_ hash: Digest160) { hashes[ObfuscationSpecification.name(of: hash)] = hash }
    /// A torrent that may not be asked for any more.
    public mutating func remove(_ hash: Digest160) { hashes[ObfuscationSpecification.name(of: hash)] = nil }

    /// The infohash behind `HASH('req2', hash)`; nil where no torrent here has it.
    public func hash(named name: Digest160) -> Digest160? { hashes[name] }
}

/// Why an obfuscated handshake came to nothing.
public enum ObfuscationError: Error, Equatable, Sendable {
    /// A public key that no private key leads to, or only a trivial one.
    case unusableKey
    /// What marks the end of the padding did not come in time: whoever this is does not speak the protocol.
    case noMark
    /// The torrent that is meant is none of ours.
    case unknownHash
    /// The verification constant is not what it has to be.
    case verificationFailed
    /// Nothing that was offered is allowed here, or what was chosen was not offered.
    case noCommonMethod(ObfuscationMethods)
    /// Padding longer than it may be.
    case paddingTooLong(Int)
}
