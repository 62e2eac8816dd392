// SPDX-License-Identifier: Apache-2.0
public import Wire

/// The name of a peer: `0x12 0x20 ‖ SHA-256(Ed25519 public key)`, which is the key's SHA-256 multihash.
public struct PeerID: FixedBytes {
    public static let byteCount = 34
    private static let prefix: [UInt8] = [0x12, 0x20]

    public let digest: Digest256

    public init(_ key: PublicKey) { digest = key.identifier }

    /// Nil unless `bytes` is a SHA-256 multihash and nothing else.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.starts(with: Self.prefix), let digest = Digest256(bytes.dropFirst(2)) else { return nil }
        self.digest = digest
    }

    public subscript(index: Int) -> UInt8 { index < 2 ? Self.prefix[index] : digest[index - 2] }

    public static func < (left: PeerID, right: PeerID) -> Bool { left.digest < right.digest }

    public var multihash: Multihash { Multihash(sha256: digest) }
}
