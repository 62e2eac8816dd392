// SPDX-License-Identifier: Apache-2.0
internal import Crypto
public import Wire

/// The two hash functions of BitTorrent. Everything of ours is SHA-256; SHA-1 stays inside what BEP 3 and BEP 44 fix.
public enum Hash {
    /// SHA-256 of all bytes at once.
    public static func sha256(_ bytes: [UInt8]) -> Digest256 {
        unsafe bytes.withUnsafeBytes { unsafe digest256(SHA256.hash(bytes: $0)) }
    }

    /// SHA-256 of a part of an array: no copy.
    public static func sha256(_ bytes: ArraySlice<UInt8>) -> Digest256 {
        unsafe bytes.withUnsafeBytes { unsafe digest256(SHA256.hash(bytes: $0)) }
    }

    /// Of a buffer that the caller keeps alive for the call: no copy.
    public static func sha256(_ bytes: RawSpan) -> Digest256 {
        unsafe bytes.withUnsafeBytes { unsafe digest256(SHA256.hash(bytes: $0)) }
    }

    /// Of two digests, one after the other: the inner node of a BEP 52 tree.
    public static func sha256(_ left: Digest256, _ right: Digest256) -> Digest256 {
        let (l, r) = (left.words, right.words)
        let pair = (
            l.0.bigEndian, l.1.bigEndian, l.2.bigEndian, l.3.bigEndian,
            r.0.bigEndian, r.1.bigEndian, r.2.bigEndian, r.3.bigEndian
        )
        // SAFETY: eight words without padding between them, read before the closure returns.
        return unsafe withUnsafeBytes(of: pair) { unsafe digest256(SHA256.hash(bytes: $0)) }
    }

    /// SHA-1 of all bytes at once.
    public static func sha1(_ bytes: [UInt8]) -> Digest160 {
        unsafe bytes.withUnsafeBytes { unsafe digest160(Insecure.SHA1.hash(bytes: $0)) }
    }

    /// SHA-1 of a part of an array: no copy.
    public static func sha1(_ bytes: ArraySlice<UInt8>) -> Digest160 {
        unsafe bytes.withUnsafeBytes { unsafe digest160(Insecure.SHA1.hash(bytes: $0)) }
    }

    /// Of a buffer that the caller keeps alive for the call: no copy.
    public static func sha1(_ bytes: RawSpan) -> Digest160 {
        unsafe bytes.withUnsafeBytes { unsafe digest160(Insecure.SHA1.hash(bytes: $0)) }
    }

    /// For multihashes of others; nothing of ours uses it.
    public static func sha512(_ bytes: [UInt8]) -> [UInt8] { Array(SHA512.hash(data: bytes)) }

    // SAFETY (all four): loads are bounds-checked and need no alignment; a digest's own buffer is 32 or 20 bytes.
    static func digest256(_ digest: SHA256Digest) -> Digest256 {
        unsafe digest.withUnsafeBytes { unsafe digest256(reading: $0) }
    }

    static func digest256(reading bytes: UnsafeRawBufferPointer) -> Digest256 {
        Digest256(
            words: (
                unsafe UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                unsafe UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                unsafe UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)),
                unsafe UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
            )
        )
    }

    static func digest160(_ digest: Insecure.SHA1Digest) -> Digest160 {
        unsafe digest.withUnsafeBytes { unsafe digest160(reading: $0) }
    }

    static func digest160(reading bytes: UnsafeRawBufferPointer) -> Digest160 {
        Digest160(
            words: (
                unsafe UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                unsafe UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                unsafe UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self))
            )
        )
    }
}

extension HashFunction {
    // SAFETY: the buffer is read before this returns and not kept.
    fileprivate static func hash(bytes: UnsafeRawBufferPointer) -> Digest {
        var function = Self()
        unsafe function.update(bufferPointer: bytes)
        return function.finalize()
    }
}
