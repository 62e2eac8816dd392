// SPDX-License-Identifier: Apache-2.0

/// The variable-length integer of RFC 9000 §16: 1, 2, 4 or 8 bytes, up to 2^62 − 1. Not the LEB128 of multiformats.
public enum QUICVarint {
    /// 62 bits: the two highest say how long the integer is.
    public static let maximum: UInt64 = 1 << 62 - 1

    /// Appends the shortest form. `value` must not exceed ``maximum``.
    public static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        switch value {
        case 0..<1 << 6: bytes.append(UInt8(value))
        case 1 << 6..<1 << 14: bytes.append(bigEndian: UInt16(value) | 0x4000)
        case 1 << 14..<1 << 30: bytes.append(bigEndian: UInt32(value) | 0x8000_0000)
        default:
            precondition(value <= maximum, "a QUIC varint holds at most 62 bits")
            bytes.append(bigEndian: value | 0xC000_0000_0000_0000)
        }
    }

    /// Reads one integer; nil when the bytes end inside it.
    ///
    /// With `shortestOnly` also nil when a shorter form would have done. RFC 9000 allows longer forms; our own frames
    /// do not, so that one header has one encoding.
    public static func read(from reader: inout ByteReader, shortestOnly: Bool = false) -> UInt64? {
        guard let first = reader.remaining.first else { return nil }
        let count = 1 << Int(first >> 6)
        guard let field = reader.read(count: count) else { return nil }
        let value = field.dropFirst().reduce(UInt64(first & 0x3F)) { $0 << 8 | UInt64($1) }
        if shortestOnly, count > 1, value < 1 << UInt64(count * 4 - 2) { return nil }
        return value
    }
}
