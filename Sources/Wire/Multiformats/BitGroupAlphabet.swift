// SPDX-License-Identifier: Apache-2.0

/// Text in which every character stands for the same number of bits, most significant bit first, as in RFC 4648.
struct BitGroupAlphabet: Sendable {
    enum Padding: Sendable {
        /// None is written and none is read.
        case none
        /// `=` up to a whole number of bytes is written and must be there.
        case equalsSigns
    }

    let symbols: [UInt8]
    let bits: Int
    let padding: Padding
    /// Both cases are read.
    let ignoresCase: Bool

    init(_ symbols: StaticString, bits: Int, padding: Padding = .none, ignoresCase: Bool = false) {
        self.symbols = Array("\(symbols)".utf8)
        self.bits = bits
        self.padding = padding
        self.ignoresCase = ignoresCase
        precondition(self.symbols.count == 1 << bits, "an alphabet has one symbol a value")
    }

    /// How many characters a padded text is a multiple of: 8 for base32, 4 for base64.
    private var blockCount: Int {
        var count = 1
        while count * bits % 8 != 0 { count += 1 }
        return count
    }

    func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        var pending: UInt32 = 0
        var pendingBits = 0
        for byte in bytes {
            pending = pending << 8 | UInt32(byte)
            pendingBits += 8
            while pendingBits >= bits {
                pendingBits -= bits
                text.append(symbols[Int(pending >> UInt32(pendingBits)) & (1 << bits - 1)])
            }
            pending &= 1 << UInt32(pendingBits) - 1
        }
        if pendingBits > 0 { text.append(symbols[Int(pending << UInt32(bits - pendingBits))]) }
        if padding == .equalsSigns {
            while text.count % blockCount != 0 { text.append(UInt8(ascii: "=")) }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Nil for a character outside the alphabet, bits left over that are not zero, a length that no bytes have, or
    /// wrong padding: every text that decodes is the encoding of what it decodes to, but for case.
    func decode(_ text: some StringProtocol) -> [UInt8]? {
        guard let digits = withoutPadding(Array(text.utf8)) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count * bits / 8)
        var pending: UInt32 = 0
        var pendingBits = 0
        for character in digits {
            guard let value = value(of: character) else { return nil }
            pending = pending << UInt32(bits) | value
            pendingBits += bits
            if pendingBits >= 8 {
                pendingBits -= 8
                bytes.append(UInt8(truncatingIfNeeded: pending >> UInt32(pendingBits)))
            }
            pending &= 1 << UInt32(pendingBits) - 1
        }
        guard pendingBits < bits, pending == 0 else { return nil }
        return bytes
    }

    private func withoutPadding(_ text: [UInt8]) -> ArraySlice<UInt8>? {
        guard padding == .equalsSigns else { return text[...] }
        guard text.count % blockCount == 0 else { return nil }
        let digits = text.prefix { $0 != UInt8(ascii: "=") }
        guard text.count - digits.count < blockCount, text[digits.endIndex...].allSatisfy({ $0 == UInt8(ascii: "=") })
        else { return nil }
        return digits
    }

    private func value(of character: UInt8) -> UInt32? {
        if let index = symbols.firstIndex(of: character) { return UInt32(index) }
        guard ignoresCase, (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(character & 0xDF) else { return nil }
        return symbols.firstIndex(of: character ^ 0x20).map { UInt32($0) }
    }
}
