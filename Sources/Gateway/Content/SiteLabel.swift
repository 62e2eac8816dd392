// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A site id as one label of a host name: 52 lower-case base32 digits (RFC 4648 §6, without padding).
///
/// Hexadecimal would take 64 characters, one more than a label may have (RFC 1035 §2.3.4).
enum SiteLabel {
    static let length = 52
    private static let digits = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

    static func encode(_ site: Digest256) -> String {
        var text: [UInt8] = []
        var pending: UInt32 = 0
        var bits = 0
        for byte in site.bytes {
            pending = pending << 8 | UInt32(byte)
            bits += 8
            while bits >= 5 {
                bits -= 5
                text.append(digits[Int(pending >> UInt32(bits) & 31)])
            }
        }
        text.append(digits[Int(pending << UInt32(5 - bits) & 31)])
        return String(decoding: text, as: UTF8.self)
    }

    /// Nil unless `label` is the one spelling of a site id: lower case, and the four bits left over are zero.
    static func decode(_ label: some StringProtocol) -> Digest256? {
        guard label.utf8.count == length else { return nil }
        var bytes: [UInt8] = []
        var pending: UInt32 = 0
        var bits = 0
        for character in label.utf8 {
            guard let value = value(of: character) else { return nil }
            pending = (pending << 5 | value) & 0xfff
            bits += 5
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: pending >> UInt32(bits)))
            }
        }
        guard pending & (1 << UInt32(bits) - 1) == 0 else { return nil }
        return Digest256(bytes)
    }

    private static func value(of character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a"))
        case UInt8(ascii: "2")...UInt8(ascii: "7"): UInt32(character - UInt8(ascii: "2")) + 26
        default: nil
        }
    }
}
