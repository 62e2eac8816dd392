// SPDX-License-Identifier: Apache-2.0
internal import CSodium
internal import Wire

/// An Ed25519 private key, from a 32-byte seed (RFC 8032) or as the expanded scalar and prefix that BEP 44 prints.
///
/// Signing is deterministic: the same key and message give the same signature on every machine.
public struct SigningKey: Sendable {
    private let scalar: [UInt8]
    private let prefix: [UInt8]
    /// The seed, where the key was made from one; an expanded key has none.
    public let seed: [UInt8]?
    /// The key that verifies what this one signs.
    public let publicKey: PublicKey

    /// From 32 random bytes; nil for any other count.
    public init?(seed: [UInt8]) {
        guard seed.count == 32 else { return nil }
        Sodium.start()
        var expanded = [UInt8](repeating: 0, count: 64)
        guard unsafe crypto_hash_sha512(&expanded, seed, 32) == 0 else { return nil }
        expanded[0] &= 248
        expanded[31] = expanded[31] & 127 | 64
        self.init(expanded: expanded, seed: seed)
    }

    /// From 32 random bytes, such as a derived key.
    public init(_ seed: SecretKey) {
        guard let key = SigningKey(seed: seed.bytes) else { preconditionFailure("32 bytes make a key") }
        self = key
    }

    /// From 64 bytes, scalar then prefix; nil for any other count, and for a scalar that is zero or has its top bit
    /// set, which no key generation makes.
    public init?(expanded: [UInt8]) {
        // Multiplying the base point ignores the top bit, and signing would not.
        guard expanded.count == 64, expanded[31] & 0x80 == 0 else { return nil }
        Sodium.start()
        self.init(expanded: expanded, seed: nil)
    }

    private init?(expanded: [UInt8], seed: [UInt8]?) {
        guard expanded.count == 64 else { return nil }
        var point = [UInt8](repeating: 0, count: 32)
        let scalar = Array(expanded[..<32])
        guard unsafe crypto_scalarmult_ed25519_base_noclamp(&point, scalar) == 0, let key = PublicKey(point) else {
            return nil
        }
        self.scalar = scalar
        self.prefix = Array(expanded[32...])
        self.seed = seed
        publicKey = key
    }

    /// RFC 8032 §5.1.6.
    public func sign(_ message: [UInt8]) -> Signature {
        let nonce = Self.reducedHash(prefix + message)
        var r = [UInt8](repeating: 0, count: 32)
        // The nonce is a hash: that it is zero, the one refusal, has a chance of 2^-252.
        precondition(unsafe crypto_scalarmult_ed25519_base_noclamp(&r, nonce) == 0, "the nonce scalar is zero")
        let challenge = Self.reducedHash(r + publicKey.bytes + message)
        var product = [UInt8](repeating: 0, count: 32)
        var s = [UInt8](repeating: 0, count: 32)
        unsafe crypto_core_ed25519_scalar_mul(&product, challenge, scalar)
        unsafe crypto_core_ed25519_scalar_add(&s, product, nonce)
        guard let signature = Signature(r + s) else { preconditionFailure("r and s are 32 bytes each") }
        return signature
    }

    private static func reducedHash(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 64)
        var scalar = [UInt8](repeating: 0, count: 32)
        unsafe crypto_hash_sha512(&digest, bytes, UInt64(bytes.count))
        unsafe crypto_core_ed25519_scalar_reduce(&scalar, digest)
        return scalar
    }
}

extension SigningKey: CustomStringConvertible, CustomReflectable {
    /// Whose key it is; nothing of the secret.
    public var description: String { "<signing key of \(publicKey)>" }
    /// Empty, so that `dump` shows no secret either.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
