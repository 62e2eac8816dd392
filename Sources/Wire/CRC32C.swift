// SPDX-License-Identifier: Apache-2.0

/// CRC-32C (Castagnoli), reflected: BEP 40 and BEP 42 use it. Only ever over a few addresses, so no table is kept.
public enum CRC32C {
    public static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var remainder = UInt32.max
        for byte in bytes {
            remainder ^= UInt32(byte)
            for _ in 0..<8 {
                remainder = remainder & 1 == 1 ? remainder >> 1 ^ 0x82F6_3B78 : remainder >> 1
            }
        }
        return ~remainder
    }
}
