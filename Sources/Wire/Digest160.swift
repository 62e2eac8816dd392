// SPDX-License-Identifier: Apache-2.0

/// 20 bytes: a SHA-1 digest, a BitTorrent v1 infohash, a DHT node id or target.
public struct Digest160: FixedBytes {
    /// 160 bits.
    public static let byteCount = 20
    /// All bits zero: the distance of an id to itself, and no torrent's hash.
    public static let zero = Digest160(0, 0, 0)

    @usableFromInline var high: UInt64
    @usableFromInline var middle: UInt64
    @usableFromInline var low: UInt32

    @inlinable
    init(_ high: UInt64, _ middle: UInt64, _ low: UInt32) {
        self.high = high
        self.middle = middle
        self.low = low
    }

    // Inlined into other modules, as are the readers of ids and addresses: a DHT node spends its time there.
    /// Nil unless `bytes` holds exactly 20.
    @inlinable
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.init(0, 0, 0)
        // Comparisons in place of ranges: this is the inner loop of the DHT, and ranges are slow in debug builds.
        var index = 0
        for byte in bytes {
            if index < 8 {
                high = high << 8 | UInt64(byte)
            } else if index < 16 {
                middle = middle << 8 | UInt64(byte)
            } else {
                low = low << 8 | UInt32(byte)
            }
            index += 1
        }
    }

    /// From big-endian words, the first byte in the first word's highest bits: what hashing has, without an array.
    public init(words: (UInt64, UInt64, UInt32)) {
        self.init(words.0, words.1, words.2)
    }

    /// The same again.
    @inlinable
    public var words: (UInt64, UInt64, UInt32) { (high, middle, low) }

    /// The byte at `index`, which must lie in `0..<20`, the most significant first.
    @inlinable
    public subscript(index: Int) -> UInt8 {
        if index < 8 { return UInt8(truncatingIfNeeded: high &>> UInt64(56 - index * 8)) }
        if index < 16 { return UInt8(truncatingIfNeeded: middle &>> UInt64(120 - index * 8)) }
        return UInt8(truncatingIfNeeded: low &>> UInt32(152 - index * 8))
    }

    /// The XOR distance of Kademlia and BEP 5: comparable, and zero only to itself.
    @inlinable
    public static func ^ (left: Digest160, right: Digest160) -> Digest160 {
        Digest160(left.high ^ right.high, left.middle ^ right.middle, left.low ^ right.low)
    }

    /// How many leading bits are zero, 0 to 160; of a distance, how many bits two ids share.
    public var leadingZeroBitCount: Int {
        if high != 0 { return high.leadingZeroBitCount }
        if middle != 0 { return 64 + middle.leadingZeroBitCount }
        return 128 + low.leadingZeroBitCount
    }

    /// By bytes, the first counting most; of distances, the nearer first.
    @inlinable
    public static func < (left: Digest160, right: Digest160) -> Bool {
        (left.high, left.middle, left.low) < (right.high, right.middle, right.low)
    }
}
