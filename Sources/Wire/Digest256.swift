// SPDX-License-Identifier: Apache-2.0

/// 32 bytes: a SHA-256 digest, a BitTorrent v2 infohash or file root, a site id.
public struct Digest256: FixedBytes {
    public static let byteCount = 32
    public static let zero = Digest256(0, 0, 0, 0)

    private var first: UInt64
    private var second: UInt64
    private var third: UInt64
    private var fourth: UInt64

    private init(_ first: UInt64, _ second: UInt64, _ third: UInt64, _ fourth: UInt64) {
        self.first = first
        self.second = second
        self.third = third
        self.fourth = fourth
    }

    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.init(0, 0, 0, 0)
        for (index, byte) in bytes.enumerated() {
            switch index >> 3 {
            case 0: first = first << 8 | UInt64(byte)
            case 1: second = second << 8 | UInt64(byte)
            case 2: third = third << 8 | UInt64(byte)
            default: fourth = fourth << 8 | UInt64(byte)
            }
        }
    }

    /// From four big-endian words, the first byte in the first word's highest bits: what hashing has, without an array.
    public init(words: (UInt64, UInt64, UInt64, UInt64)) {
        self.init(words.0, words.1, words.2, words.3)
    }

    /// The bytes as four big-endian words.
    public var words: (UInt64, UInt64, UInt64, UInt64) { (first, second, third, fourth) }

    public subscript(index: Int) -> UInt8 {
        let word =
            switch index >> 3 {
            case 0: first
            case 1: second
            case 2: third
            default: fourth
            }
        return UInt8(truncatingIfNeeded: word >> UInt64(56 - (index & 7) * 8))
    }

    /// The first 20 bytes: what stands for a v2 infohash where the protocol has room for 20 (BEP 52), and where the
    /// holders of a site announce.
    public var truncated: Digest160 {
        guard let digest = Digest160(bytes.prefix(Digest160.byteCount)) else { return .zero }
        return digest
    }

    public static func < (left: Digest256, right: Digest256) -> Bool {
        (left.first, left.second, left.third, left.fourth) < (right.first, right.second, right.third, right.fourth)
    }
}
