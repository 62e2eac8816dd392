// SPDX-License-Identifier: Apache-2.0
public import Wire

/// An Ed25519 signature: 64 bytes as received, valid or not.
public struct Signature: FixedBytes {
    /// R and S, 32 each (RFC 8032 §5.1.6).
    public static let byteCount = 64
    private let r: Digest256
    private let s: Digest256

    /// Nil unless `bytes` holds exactly 64.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount, let r = Digest256(bytes.prefix(32)), let s = Digest256(bytes.suffix(32))
        else { return nil }
        self.r = r
        self.s = s
    }

    /// The byte at `index`, which must lie in `0..<64`.
    public subscript(index: Int) -> UInt8 { index < 32 ? r[index] : s[index - 32] }

    /// By bytes, the first counting most.
    public static func < (left: Signature, right: Signature) -> Bool { (left.r, left.s) < (right.r, right.s) }
}
