// SPDX-License-Identifier: Apache-2.0

/// A hash that names its function: `varint code ‖ varint length ‖ digest` (multiformats/multihash).
public struct Multihash: Hashable, Sendable {
    /// A function's code in the multicodec table. Any code is read and kept; these are the ones we can check.
    public struct Code: Hashable, Sendable, RawRepresentable {
        /// The code, below 2^63.
        public var rawValue: UInt64
        /// Any code, known or not.
        public init(rawValue: UInt64) { self.rawValue = rawValue }

        /// No function: the digest is the content itself.
        public static let identity = Code(rawValue: 0x00)
        /// SHA-1, 20 bytes.
        public static let sha1 = Code(rawValue: 0x11)
        /// SHA-256, 32 bytes.
        public static let sha2x256 = Code(rawValue: 0x12)
        /// SHA-512, 64 bytes.
        public static let sha2x512 = Code(rawValue: 0x13)
    }

    /// The longest digest that is read. The longest of a function that we know is 64 bytes; an inlined value
    /// (``Code/identity``) is as long as it is.
    public static let maximumDigestByteCount = 128

    /// Which function made ``digest``.
    public let code: Code
    /// May be shorter than the function's output: a truncated digest is its first bytes.
    public let digest: [UInt8]

    /// Nil beyond ``maximumDigestByteCount`` bytes of digest.
    public init?(_ code: Code, digest: some Collection<UInt8>) {
        guard digest.count <= Self.maximumDigestByteCount, code.rawValue <= UnsignedVarint.maximum else { return nil }
        self.code = code
        self.digest = Array(digest)
    }

    /// A SHA-256 digest in full.
    public init(sha256 digest: Digest256) {
        code = .sha2x256
        self.digest = digest.bytes
    }

    /// Nil unless `bytes` holds one multihash and nothing else.
    public init?(_ bytes: some Collection<UInt8>) {
        var reader = ByteReader(Array(bytes))
        guard let value = Multihash(from: &reader), reader.isAtEnd else { return nil }
        self = value
    }

    /// Reads one multihash; nil when there is none.
    public init?(from reader: inout ByteReader) {
        guard let code = UnsignedVarint.read(from: &reader), let count = UnsignedVarint.read(from: &reader),
            count <= UInt64(Self.maximumDigestByteCount), let digest = reader.read(count: Int(count))
        else { return nil }
        self.code = Code(rawValue: code)
        self.digest = Array(digest)
    }

    /// `varint code ‖ varint length ‖ digest`.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        UnsignedVarint.append(code.rawValue, to: &bytes)
        UnsignedVarint.append(UInt64(digest.count), to: &bytes)
        return bytes + digest
    }
}
