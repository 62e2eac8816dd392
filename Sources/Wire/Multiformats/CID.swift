// SPDX-License-Identifier: Apache-2.0

/// A content id (multiformats/cid): what a block is encoded as, and its hash.
///
/// Version 0 is a bare SHA-256 multihash, written in base58btc; version 1 has a version, a codec and a multihash, and
/// is written in base32 here and read in any base of ``Multibase``.
public struct CID: Hashable, Sendable {
    /// The two that exist; a higher one is refused.
    public enum Version: UInt64, Sendable { case v0, v1 }

    /// A codec of the multicodec table. Any codec is read and kept.
    public struct Codec: Hashable, Sendable, RawRepresentable {
        /// The code, below 2^63.
        public var rawValue: UInt64
        /// Any code, known or not.
        public init(rawValue: UInt64) { self.rawValue = rawValue }

        /// Bytes as they are: a file or a leaf of one.
        public static let raw = Codec(rawValue: 0x55)
        /// MerkleDAG protobuf: what version 0 implies.
        public static let dagPB = Codec(rawValue: 0x70)
        /// CBOR with links.
        public static let dagCBOR = Codec(rawValue: 0x71)
        /// JSON with links.
        public static let dagJSON = Codec(rawValue: 0x0129)
    }

    /// Decides the form of text and bytes.
    public let version: Version
    /// How the block's bytes are to be read.
    public let codec: Codec
    /// Of the block's bytes.
    public let hash: Multihash

    /// Version 1. `codec` must fit in ``UnsignedVarint``.
    public init(_ codec: Codec, hash: Multihash) {
        precondition(codec.rawValue <= UnsignedVarint.maximum, "a codec is an unsigned varint")
        version = .v1
        self.codec = codec
        self.hash = hash
    }

    /// Nil unless `bytes` is one id and nothing else.
    public init?(_ bytes: some Collection<UInt8>) {
        let all = Array(bytes)
        // A version 0 id starts like a multihash, which no version 1 id can: 0x12 is no version.
        if all.count == 34, all.starts(with: [0x12, 0x20]) {
            guard let hash = Multihash(all) else { return nil }
            (version, codec, self.hash) = (.v0, .dagPB, hash)
            return
        }
        var reader = ByteReader(all)
        guard UnsignedVarint.read(from: &reader) == Version.v1.rawValue,
            let codec = UnsignedVarint.read(from: &reader), let hash = Multihash(from: &reader), reader.isAtEnd
        else { return nil }
        (version, self.codec, self.hash) = (.v1, Codec(rawValue: codec), hash)
    }

    /// Version 0: the multihash alone; version 1: `varint 1 ‖ varint codec ‖ multihash`.
    public var bytes: [UInt8] {
        guard version == .v1 else { return hash.bytes }
        var bytes: [UInt8] = []
        UnsignedVarint.append(version.rawValue, to: &bytes)
        UnsignedVarint.append(codec.rawValue, to: &bytes)
        return bytes + hash.bytes
    }
}

extension CID: LosslessStringConvertible {
    /// Version 0 in base58btc (46 characters, `Qm…`), version 1 in base32 with its prefix `b`.
    public var description: String {
        version == .v0 ? Multibase.base58btc.encode(bytes) : Multibase.base32.encodeWithPrefix(bytes)
    }

    /// Reads either version; version 1 in any base that ``Multibase`` knows.
    public init?(_ description: String) {
        if description.utf8.count == 46, description.hasPrefix("Qm") {
            guard let bytes = Multibase.base58btc.decode(description), let value = CID(bytes), value.version == .v0
            else { return nil }
            self = value
        } else {
            // Version 0 has no prefixed form.
            guard let bytes = Multibase.decodeWithPrefix(description), let value = CID(bytes), value.version == .v1
            else { return nil }
            self = value
        }
    }
}
