// SPDX-License-Identifier: Apache-2.0
internal import CSodium
public import Wire

/// An Ed25519 public key: 32 bytes as received, valid or not.
public struct PublicKey: FixedBytes {
    /// A compressed point (RFC 8032 §5.1.5).
    public static let byteCount = 32
    private let value: Digest256

    /// Nil unless `bytes` holds exactly 32. Whether they are a point shows when a signature is checked.
    public init?(_ bytes: some Collection<UInt8>) {
        guard let value = Digest256(bytes) else { return nil }
        self.value = value
    }

    /// The byte at `index`, which must lie in `0..<32`.
    public subscript(index: Int) -> UInt8 { value[index] }

    /// By bytes, the first counting most.
    public static func < (left: PublicKey, right: PublicKey) -> Bool { left.value < right.value }

    /// SHA-256 of the key: the site id of a site key, and what `betanet://` names.
    public var identifier: Digest256 { Hash.sha256(bytes) }

    /// Whether `signature` over `message` is this key's, by the one rule that every peer must share.
    ///
    /// The rule is libsodium's: canonical point encodings, no point of small order, S below the group order, and the
    /// equation without the cofactor. swift-crypto accepts more, so two of them would disagree on what is signed.
    public func verifies(_ signature: Signature, over message: [UInt8]) -> Bool {
        Sodium.start()
        let signature = signature.bytes
        let key = bytes
        return unsafe crypto_sign_verify_detached(signature, message, UInt64(message.count), key) == 0
    }
}
