// SPDX-License-Identifier: Apache-2.0

/// Text that writes bytes as one large number, as base58 does; each leading zero byte is a leading zero digit.
///
/// Time grows with the square of the length, so no more than ``maximumByteCount`` bytes are read.
struct PositionalAlphabet: Sendable {
    static let maximumByteCount = 1024

    let symbols: [UInt8]
    let ignoresCase: Bool

    init(_ symbols: StaticString, ignoresCase: Bool = false) {
        self.symbols = Array("\(symbols)".utf8)
        self.ignoresCase = ignoresCase
    }

    func encode(_ bytes: [UInt8]) -> String {
        let zeros = bytes.prefix { $0 == 0 }.count
        let digits = Self.convert(bytes.dropFirst(zeros).map { Int($0) }, from: 256, to: symbols.count)
        let text = Array(repeating: symbols[0], count: zeros) + digits.map { symbols[$0] }
        return String(decoding: text, as: UTF8.self)
    }

    func decode(_ text: some StringProtocol) -> [UInt8]? {
        guard text.utf8.count <= 4 * Self.maximumByteCount else { return nil }
        var digits: [Int] = []
        for character in text.utf8 {
            guard let value = value(of: character) else { return nil }
            digits.append(value)
        }
        let zeros = digits.prefix { $0 == 0 }.count
        let bytes = Self.convert(digits.dropFirst(zeros), from: symbols.count, to: 256)
        guard zeros + bytes.count <= Self.maximumByteCount else { return nil }
        return Array(repeating: 0, count: zeros) + bytes.map { UInt8($0) }
    }

    private func value(of character: UInt8) -> Int? {
        if let index = symbols.firstIndex(of: character) { return index }
        guard ignoresCase, (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(character & 0xDF) else { return nil }
        return symbols.firstIndex(of: character ^ 0x20)
    }

    /// The digits of the same number in another base, most significant first, without leading zeros.
    private static func convert(_ digits: some Sequence<Int>, from base: Int, to target: Int) -> [Int] {
        var result: [Int] = []  // least significant first
        for digit in digits {
            var carry = digit
            for index in result.indices {
                carry += result[index] * base
                result[index] = carry % target
                carry /= target
            }
            while carry > 0 {
                result.append(carry % target)
                carry /= target
            }
        }
        return result.reversed()
    }
}
