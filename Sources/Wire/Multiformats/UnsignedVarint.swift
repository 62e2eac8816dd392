// SPDX-License-Identifier: Apache-2.0

/// The unsigned varint of multiformats: LEB128, least significant group of 7 bits first. Not the varint of QUIC.
///
/// At most 9 bytes, so 63 bits, and only the shortest form, as the multiformats specification asks.
public enum UnsignedVarint {
    /// 63 bits: the limit of the multiformats specification, nine bytes.
    public static let maximum: UInt64 = 1 << 63 - 1

    /// Appends `value`, which must not exceed ``maximum``.
    public static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        precondition(value <= maximum, "an unsigned varint holds at most 63 bits")
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Reads one integer; nil, with nothing taken, when it is cut short, longer than 9 bytes or not in shortest form.
    public static func read(from reader: inout ByteReader) -> UInt64? {
        var value: UInt64 = 0
        for (index, byte) in reader.remaining.prefix(9).enumerated() {
            value |= UInt64(byte & 0x7F) << UInt64(7 * index)
            guard byte & 0x80 == 0 else { continue }
            guard index == 0 || byte != 0 else { return nil }
            _ = reader.read(count: index + 1)
            return value
        }
        return nil
    }
}
