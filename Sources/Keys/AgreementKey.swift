// SPDX-License-Identifier: Apache-2.0
internal import CSodium
public import Wire

/// An X25519 private key (RFC 7748).
public struct AgreementKey: Sendable, CustomStringConvertible, CustomReflectable {
    /// An X25519 public key: 32 bytes as received. The top bit is ignored (RFC 7748 §5).
    public typealias Public = Digest256

    private let secret: SecretKey
    /// What the other side is given.
    public let publicKey: Public

    /// From 32 random bytes, which are clamped where they are used.
    public init(_ secret: SecretKey) {
        Sodium.start()
        var point = [UInt8](repeating: 0, count: 32)
        // SAFETY: 32 bytes in, 32 bytes out.
        unsafe crypto_scalarmult_curve25519_base(&point, secret.bytes)
        guard let publicKey = Public(point) else { preconditionFailure("a point is 32 bytes") }
        self.secret = secret
        self.publicKey = publicKey
    }

    /// The secret shared with the owner of `other`; nil when it is all zeros, which a key of small order forces
    /// (RFC 7748 §6.1, RFC 8446 §7.4.2).
    public func sharedSecret(with other: Public) -> SecretKey? {
        Sodium.start()
        var point = [UInt8](repeating: 0, count: 32)
        // SAFETY: 32 bytes in, 32 bytes out.
        let result = unsafe crypto_scalarmult_curve25519(&point, secret.bytes, other.bytes)
        // libsodium refuses too; whoever replaces it shall not lose the check.
        guard result == 0, unsafe sodium_is_zero(point, point.count) == 0 else { return nil }
        return SecretKey(exactly: point)
    }

    /// A placeholder: the secret must not reach a log by accident.
    public var description: String { "<hidden>" }
    /// Empty, so that `dump` shows no secret either.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
