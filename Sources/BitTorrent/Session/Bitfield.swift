// SPDX-License-Identifier: Apache-2.0

/// One bit a piece, kept in words. Memory: an eighth of a byte a piece.
public struct Bitfield: Equatable, Sendable {
    /// How many bits there are, set or not: pieces of the torrent.
    public let count: Int
    /// How many bits are set.
    public private(set) var setCount = 0
    private var words: [UInt64]

    /// All clear.
    public init(count: Int) {
        precondition(count >= 0, "a bitfield has no negative size")
        self.count = count
        words = Array(repeating: 0, count: (count + 63) / 64)
    }

    /// All set.
    public init(allSet count: Int) {
        self.init(count: count)
        for index in words.indices { words[index] = .max }
        if !count.isMultiple(of: 64), let last = words.indices.last { words[last] = .max >> UInt64(64 - count % 64) }
        setCount = count
    }

    /// From the bytes of a bitfield message, whose first bit is the high one.
    ///
    /// - Returns: nil where the length is wrong or a spare bit is set (BEP 3).
    public init?(wire bytes: [UInt8], count: Int) {
        guard bytes.count == (count + 7) / 8 else { return nil }
        self.init(count: count)
        for (index, byte) in bytes.enumerated() {
            words[index / 8] |= UInt64(byte.bitReversed) << UInt64(index % 8 * 8)
        }
        if !count.isMultiple(of: 8), let last = bytes.last, last << UInt8(count % 8) != 0 { return nil }
        setCount = words.reduce(0) { $0 + $1.nonzeroBitCount }
    }

    /// The bytes of a bitfield message.
    public var wire: [UInt8] {
        (0..<(count + 7) / 8).map { UInt8(truncatingIfNeeded: words[$0 / 8] >> UInt64($0 % 8 * 8)).bitReversed }
    }

    /// Every bit is set; true of none at all, too.
    public var isFull: Bool { setCount == count }
    /// No bit is set.
    public var isEmpty: Bool { setCount == 0 }

    /// - Precondition: the index is below ``count``.
    public subscript(index: Int) -> Bool {
        get { words[index >> 6] >> UInt64(index & 63) & 1 == 1 }
        set {
            guard self[index] != newValue else { return }
            words[index >> 6] ^= 1 << UInt64(index & 63)
            setCount += newValue ? 1 : -1
        }
    }

    /// The numbers of the bits set, ascending.
    public var indices: [Int] {
        var indices: [Int] = []
        indices.reserveCapacity(setCount)
        for (position, word) in words.enumerated() {
            var rest = word
            while rest != 0 {
                indices.append(position * 64 + rest.trailingZeroBitCount)
                rest &= rest - 1
            }
        }
        return indices
    }

    /// Whether a bit is set both here and in `wanted`, and not in `have`; all of one size.
    public func hasAny(of wanted: Bitfield, without have: Bitfield) -> Bool {
        for index in 0..<min(words.count, wanted.words.count, have.words.count)
        where words[index] & wanted.words[index] & ~have.words[index] != 0 { return true }
        return false
    }
}

extension UInt8 {
    fileprivate var bitReversed: UInt8 {
        var value = (self & 0xF0) >> 4 | (self & 0x0F) << 4
        value = (value & 0xCC) >> 2 | (value & 0x33) << 2
        return (value & 0xAA) >> 1 | (value & 0x55) << 1
    }
}
