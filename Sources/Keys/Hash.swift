// SPDX-License-Identifier: Apache-2.0
internal import Crypto
public import Wire

/// The two hash functions of BitTorrent. Everything of ours is SHA-256; SHA-1 stays inside what BEP 3 and BEP 44 fix.
public enum Hash {
    public static func sha256(_ bytes: [UInt8]) -> Digest256 {
        unsafe bytes.withUnsafeBytes { unsafe digest256(SHA256.hash(bytes: $0)) }
    }

    public static func sha256(_ bytes: ArraySlice<UInt8>) -> Digest256 {
        unsafe bytes.withUnsafeBytes { unsafe digest256(SHA256.hash(bytes: $0)) }
    }

    /// Of a buffer that the caller keeps alive for the call: no copy.
    public static func sha256(_ bytes: RawSpan) -> Digest256 {
        unsafe bytes.withUnsafeBytes { unsafe digest256(SHA256.hash(bytes: $0)) }
    }

    /// Of two digests, one after the other: the inner node of a BEP 52 tree.
    public static func sha256(_ left: Digest256, _ right: Digest256) -> Digest256 {
        var pair: [UInt8] = []
        pair.reserveCapacity(64)
        pair.append(left)
        pair.append(right)
        return sha256(pair)
    }

    public static func sha1(_ bytes: [UInt8]) -> Digest160 {
        unsafe bytes.withUnsafeBytes { unsafe digest160(Insecure.SHA1.hash(bytes: $0)) }
    }

    public static func sha1(_ bytes: ArraySlice<UInt8>) -> Digest160 {
        unsafe bytes.withUnsafeBytes { unsafe digest160(Insecure.SHA1.hash(bytes: $0)) }
    }

    /// Of a buffer that the caller keeps alive for the call: no copy.
    public static func sha1(_ bytes: RawSpan) -> Digest160 {
        unsafe bytes.withUnsafeBytes { unsafe digest160(Insecure.SHA1.hash(bytes: $0)) }
    }

    static func digest256(_ digest: SHA256Digest) -> Digest256 { Digest256(Array(digest)) ?? .zero }
    static func digest160(_ digest: Insecure.SHA1Digest) -> Digest160 { Digest160(Array(digest)) ?? .zero }
}

extension HashFunction {
    // SAFETY: the buffer is read before this returns and not kept.
    fileprivate static func hash(bytes: UnsafeRawBufferPointer) -> Digest {
        var function = Self()
        unsafe function.update(bufferPointer: bytes)
        return function.finalize()
    }
}
