// SPDX-License-Identifier: Apache-2.0

/// RFC 4648 base32 without padding.
///
/// Lower case is what host names of sites use: 32 bytes are 52 characters, where hexadecimal's 64 do not fit a DNS
/// label. Magnet links have it in upper case.
public enum Base32 {
    static let lowerCase = BitGroupAlphabet("abcdefghijklmnopqrstuvwxyz234567", bits: 5, ignoresCase: true)
    static let upperCase = BitGroupAlphabet("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", bits: 5, ignoresCase: true)

    /// Lower case, unless `uppercase`.
    public static func encode(_ bytes: some Sequence<UInt8>, uppercase: Bool = false) -> String {
        (uppercase ? upperCase : lowerCase).encode(bytes)
    }

    /// The bytes of `text` in either case; nil for other characters, and for a text that no bytes encode to.
    public static func decode(_ text: some StringProtocol) -> [UInt8]? { lowerCase.decode(text) }
}
