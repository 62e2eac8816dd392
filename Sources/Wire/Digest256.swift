// SPDX-License-Identifier: Apache-2.0

/// 32 bytes: a SHA-256 digest, a BitTorrent v2 infohash or file root, a site id.
public struct Digest256: FixedBytes {
    /// 256 bits.
    public static let byteCount = 32
    /// All bits zero: in BEP 52 the hash of a leaf that stands for no block.
    public static let zero = Digest256(0, 0, 0, 0)

    @usableFromInline var first: UInt64
    @usableFromInline var second: UInt64
    @usableFromInline var third: UInt64
    @usableFromInline var fourth: UInt64

    @inlinable
    init(_ first: UInt64, _ second: UInt64, _ third: UInt64, _ fourth: UInt64) {
        self.first = first
        self.second = second
        self.third = third
        self.fourth = fourth
    }

    // Inlined into other modules: a torrent of many files is read root by root, and a generic call costs a microsecond.
    /// Nil unless `bytes` holds exactly 32.
    @inlinable
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.init(0, 0, 0, 0)
        var index = 0
        for byte in bytes {
            if index < 8 {
                first = first << 8 | UInt64(byte)
            } else if index < 16 {
                second = second << 8 | UInt64(byte)
            } else if index < 24 {
                third = third << 8 | UInt64(byte)
            } else {
                fourth = fourth << 8 | UInt64(byte)
            }
            index += 1
        }
    }

    /// From four big-endian words, the first byte in the first word's highest bits: what hashing has, without an array.
    public init(words: (UInt64, UInt64, UInt64, UInt64)) {
        self.init(words.0, words.1, words.2, words.3)
    }

    /// The bytes as four big-endian words.
    public var words: (UInt64, UInt64, UInt64, UInt64) { (first, second, third, fourth) }

    /// The byte at `index`, which must lie in `0..<32`, the most significant first.
    @inlinable
    public subscript(index: Int) -> UInt8 {
        let word = index < 16 ? (index < 8 ? first : second) : (index < 24 ? third : fourth)
        return UInt8(truncatingIfNeeded: word >> UInt64(56 - (index & 7) * 8))
    }

    /// The first 20 bytes: what stands for a v2 infohash where the protocol has room for 20 (BEP 52), and where the
    /// holders of a site announce.
    public var truncated: Digest160 {
        guard let digest = Digest160(bytes.prefix(Digest160.byteCount)) else { return .zero }
        return digest
    }

    /// By bytes, the first counting most.
    @inlinable
    public static func < (left: Digest256, right: Digest256) -> Bool {
        (left.first, left.second, left.third, left.fourth) < (right.first, right.second, right.third, right.fourth)
    }
}
