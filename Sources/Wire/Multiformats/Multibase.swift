// SPDX-License-Identifier: Apache-2.0

/// A way to write bytes as text, named by the first character of the text (multiformats/multibase).
public enum Multibase: UnicodeScalar, CaseIterable, Sendable {
    case base2 = "0"
    case base8 = "7"
    case base10 = "9"
    case base16 = "f"
    case base16upper = "F"
    case base32 = "b"
    case base32upper = "B"
    case base32hex = "v"
    case base32hexupper = "V"
    case base32pad = "c"
    case base32padupper = "C"
    case base32hexpad = "t"
    case base32hexpadupper = "T"
    case base32z = "h"
    case base36 = "k"
    case base36upper = "K"
    case base58flickr = "Z"
    case base58btc = "z"
    case base64 = "m"
    case base64pad = "M"
    case base64url = "u"
    case base64urlpad = "U"
    case base256emoji = "🚀"

    /// The text without the prefix.
    public func encode(_ bytes: [UInt8]) -> String {
        switch form {
        case .bits(let alphabet): alphabet.encode(bytes)
        case .number(let alphabet): alphabet.encode(bytes)
        case .symbols: Base256Emoji.encode(bytes)
        }
    }

    /// The bytes of `text`, which has no prefix; nil when it is not text of this base.
    public func decode(_ text: some StringProtocol) -> [UInt8]? {
        switch form {
        case .bits(let alphabet): alphabet.decode(text)
        case .number(let alphabet): alphabet.decode(text)
        case .symbols: Base256Emoji.decode(text)
        }
    }

    /// The text of `bytes` behind the character that names this base.
    public func encodeWithPrefix(_ bytes: [UInt8]) -> String {
        String(String.UnicodeScalarView([rawValue])) + encode(bytes)
    }

    /// The bytes of a text that starts with the prefix of its base; nil for an unknown one.
    public static func decodeWithPrefix(_ text: String) -> [UInt8]? {
        guard let prefix = text.unicodeScalars.first, let base = Multibase(rawValue: prefix) else { return nil }
        return base.decode(String(text.unicodeScalars.dropFirst()))
    }
}

extension Multibase {
    private enum Form {
        case bits(BitGroupAlphabet)
        case number(PositionalAlphabet)
        case symbols
    }

    private var form: Form {
        switch self {
        case .base2: .bits(Alphabets.base2)
        case .base8: .bits(Alphabets.base8)
        case .base10: .number(Alphabets.base10)
        case .base16: .bits(Alphabets.base16)
        case .base16upper: .bits(Alphabets.base16upper)
        case .base32: .bits(Base32.lowerCase)
        case .base32upper: .bits(Base32.upperCase)
        case .base32hex: .bits(Alphabets.base32hex)
        case .base32hexupper: .bits(Alphabets.base32hexupper)
        case .base32pad: .bits(Alphabets.base32pad)
        case .base32padupper: .bits(Alphabets.base32padupper)
        case .base32hexpad: .bits(Alphabets.base32hexpad)
        case .base32hexpadupper: .bits(Alphabets.base32hexpadupper)
        case .base32z: .bits(Alphabets.base32z)
        case .base36: .number(Alphabets.base36)
        case .base36upper: .number(Alphabets.base36upper)
        case .base58flickr: .number(Alphabets.base58flickr)
        case .base58btc: .number(Alphabets.base58btc)
        case .base64: .bits(Alphabets.base64)
        case .base64pad: .bits(Alphabets.base64pad)
        case .base64url: .bits(Alphabets.base64url)
        case .base64urlpad: .bits(Alphabets.base64urlpad)
        case .base256emoji: .symbols
        }
    }
}

private enum Alphabets {
    static let base2 = BitGroupAlphabet("01", bits: 1)
    static let base8 = BitGroupAlphabet("01234567", bits: 3)
    static let base10 = PositionalAlphabet("0123456789")
    static let base16 = BitGroupAlphabet("0123456789abcdef", bits: 4, ignoresCase: true)
    static let base16upper = BitGroupAlphabet("0123456789ABCDEF", bits: 4, ignoresCase: true)
    static let base32hex = BitGroupAlphabet("0123456789abcdefghijklmnopqrstuv", bits: 5, ignoresCase: true)
    static let base32hexupper = BitGroupAlphabet("0123456789ABCDEFGHIJKLMNOPQRSTUV", bits: 5, ignoresCase: true)
    static let base32pad = padded("abcdefghijklmnopqrstuvwxyz234567", bits: 5, ignoresCase: true)
    static let base32padupper = padded("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", bits: 5, ignoresCase: true)
    static let base32hexpad = padded("0123456789abcdefghijklmnopqrstuv", bits: 5, ignoresCase: true)
    static let base32hexpadupper = padded("0123456789ABCDEFGHIJKLMNOPQRSTUV", bits: 5, ignoresCase: true)
    static let base32z = BitGroupAlphabet("ybndrfg8ejkmcpqxot1uwisza345h769", bits: 5)
    static let base36 = PositionalAlphabet("0123456789abcdefghijklmnopqrstuvwxyz", ignoresCase: true)
    static let base36upper = PositionalAlphabet("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", ignoresCase: true)
    static let base58flickr = PositionalAlphabet("123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ")
    static let base58btc = PositionalAlphabet("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")
    static let base64 = BitGroupAlphabet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", bits: 6)
    static let base64pad = padded("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", bits: 6)
    static let base64url = BitGroupAlphabet(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
        bits: 6
    )
    static let base64urlpad = padded("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", bits: 6)

    private static func padded(_ symbols: StaticString, bits: Int, ignoresCase: Bool = false) -> BitGroupAlphabet {
        BitGroupAlphabet(symbols, bits: bits, padding: .equalsSigns, ignoresCase: ignoresCase)
    }
}
