// SPDX-License-Identifier: Apache-2.0

/// SipHash-2-4 of 64 bits (Aumasson and Bernstein 2012): a keyed check over a few bytes, made in a register's time.
///
/// For tags that only their maker verifies and that live for minutes, such as the write tokens of the DHT. Without the key
/// a tag is guessed with 2^-64; it is no hash to compare contents by.
public struct SipHash: Sendable {
    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64
    private var count: UInt64 = 0

    /// Begins with a key of 16 bytes as two little-endian words.
    public init(key: (UInt64, UInt64)) {
        v0 = key.0 ^ 0x736F_6D65_7073_6575
        v1 = key.1 ^ 0x646F_7261_6E64_6F6D
        v2 = key.0 ^ 0x6C79_6765_6E65_7261
        v3 = key.1 ^ 0x7465_6462_7974_6573
    }

    /// Takes eight bytes as a little-endian word.
    public mutating func add(_ word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
        count &+= 8
    }

    /// The tag, with up to seven last bytes as the low ones of `tail`.
    public consuming func finish(tail: UInt64 = 0, tailCount: Int = 0) -> UInt64 {
        precondition((0...7).contains(tailCount), "whole words are added first")
        let last = (count &+ UInt64(tailCount)) << 56 | tail
        v3 ^= last
        round()
        round()
        v0 ^= last
        v2 ^= 0xFF
        for _ in 0..<4 { round() }
        return v0 ^ v1 ^ v2 ^ v3
    }

    private mutating func round() {
        v0 &+= v1
        v1 = v1 << 13 | v1 >> 51
        v1 ^= v0
        v0 = v0 << 32 | v0 >> 32
        v2 &+= v3
        v3 = v3 << 16 | v3 >> 48
        v3 ^= v2
        v0 &+= v3
        v3 = v3 << 21 | v3 >> 43
        v3 ^= v0
        v2 &+= v1
        v1 = v1 << 17 | v1 >> 47
        v1 ^= v2
        v2 = v2 << 32 | v2 >> 32
    }
}
