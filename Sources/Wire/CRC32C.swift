// SPDX-License-Identifier: Apache-2.0

/// CRC-32C (Castagnoli), reflected: BEP 40 and BEP 42 use it. Only ever over a few addresses, so no table is kept.
public enum CRC32C {
    /// Over `bytes`, starting from all ones and complemented at the end (RFC 3720 §12.1).
    public static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var remainder = UInt32.max
        for byte in bytes { add(byte, to: &remainder) }
        return ~remainder
    }

    /// Of the `byteCount` low bytes of a number, the most significant first: 1 to 8. Allocates nothing.
    public static func checksum(bigEndian value: UInt64, byteCount: Int) -> UInt32 {
        var remainder = UInt32.max
        var shift = (byteCount - 1) * 8
        while shift >= 0 {
            add(UInt8(truncatingIfNeeded: value >> UInt64(shift)), to: &remainder)
            shift -= 8
        }
        return ~remainder
    }

    private static func add(_ byte: UInt8, to remainder: inout UInt32) {
        remainder ^= UInt32(byte)
        for _ in 0..<8 { remainder = remainder & 1 == 1 ? remainder >> 1 ^ 0x82F6_3B78 : remainder >> 1 }
    }
}
