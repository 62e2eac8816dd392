// SPDX-License-Identifier: Apache-2.0
public import Wire

/// The name of a peer: `0x12 0x20 ‖ SHA-256(Ed25519 public key)`, which is the key's SHA-256 multihash.
public struct PeerID: FixedBytes {
    /// Two of the multihash's head and 32 of the digest.
    public static let byteCount = 34
    private static let prefix: [UInt8] = [0x12, 0x20]

    /// SHA-256 of the peer's public key.
    public let digest: Digest256

    /// The name of the peer who has this key.
    public init(_ key: PublicKey) { digest = key.identifier }

    /// Nil unless `bytes` is a SHA-256 multihash and nothing else.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.starts(with: Self.prefix), let digest = Digest256(bytes.dropFirst(2)) else { return nil }
        self.digest = digest
    }

    /// The byte at `index`, which must lie in `0..<34`.
    public subscript(index: Int) -> UInt8 { index < 2 ? Self.prefix[index] : digest[index - 2] }

    /// By digest, as all have the same head.
    public static func < (left: PeerID, right: PeerID) -> Bool { left.digest < right.digest }

    /// The same as a multihash: libp2p and content ids have it in this form.
    public var multihash: Multihash { Multihash(sha256: digest) }
}
