// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Exponentiation in the 768-bit group of Message Stream Encryption (RFC 2409's "First Oakley Group" begins alike; this
/// prime ends differently), by Montgomery's method in twelve words.
///
/// Of our own, not of a library: the group is far too small to keep a secret, so nothing depends on time or traces, and it
/// takes some 50 microseconds, which an event loop can spend (`docs/decisions/0012-obfuscation-of-our-own.md`).
struct KeyExchange768 {
    typealias Words = InlineArray<12, UInt64>

    /// 0xFFFFFFFFFFFFFFFF C90FDAA22168C234 … 0000000000090563, the lowest word first.
    private static let prime: Words = [
        0x0000_0000_0009_0563, 0xf44c_42e9_a63a_3621, 0xe485_b576_625e_7ec6, 0x4fe1_356d_6d51_c245,
        0x302b_0a6d_f25f_1437, 0xef95_19b3_cd3a_431b, 0x514a_0879_8e34_04dd, 0x020b_bea6_3b13_9b22,
        0x2902_4e08_8a67_cc74, 0xc4c6_628b_80dc_1cd1, 0xc90f_daa2_2168_c234, 0xffff_ffff_ffff_ffff,
    ]
    private static let one: Words = {
        var words = Words(repeating: 0)
        words[0] = 1
        return words
    }()
    /// −1 / p mod 2^64, by Newton's iteration.
    private static let inverse: UInt64 = {
        var value: UInt64 = 1
        for _ in 0..<6 { value = value &* (2 &- prime[0] &* value) }
        return 0 &- value
    }()
    /// 2^768 mod p and 2^1536 mod p: the first is what is left of 2^768 after one subtraction.
    private static let montgomeryOne = subtract(Words(repeating: 0), prime)
    private static let montgomerySquare: Words = {
        var value = montgomeryOne
        for _ in 0..<768 { value = doubled(value) }
        return value
    }()

    private let exponent: [UInt8]

    /// `privateKey`: big-endian, ``ObfuscationSpecification/privateKeyByteCount`` random bytes.
    init(privateKey: [UInt8]) { exponent = privateKey }

    /// 2^x mod p, 96 bytes.
    var publicKey: [UInt8] {
        var two = Words(repeating: 0)
        two[0] = 2
        return Self.bytes(Self.power(two, exponent))
    }

    /// y^x mod p, 96 bytes; nil where `other` is none of 2...p−2.
    func secret(with other: ArraySlice<UInt8>) -> [UInt8]? {
        guard other.count == ObfuscationSpecification.keyByteCount else { return nil }
        let value = Self.words(other)
        let last = Self.subtract(Self.prime, Self.one)
        guard Self.isLess(Self.one, value), Self.isLess(value, last) else { return nil }
        return Self.bytes(Self.power(value, exponent))
    }

    // MARK: Arithmetic

    /// Four bits of the exponent at a time.
    private static func power(_ base: Words, _ exponent: [UInt8]) -> Words {
        let factor = multiply(base, montgomerySquare)
        var powers = [montgomeryOne]
        for _ in 1..<16 { powers.append(multiply(powers[powers.count - 1], factor)) }
        var result = montgomeryOne
        for byte in exponent {
            for digit in [byte >> 4, byte & 15] {
                for _ in 0..<4 { result = multiply(result, result) }
                if digit != 0 { result = multiply(result, powers[Int(digit)]) }
            }
        }
        return multiply(result, one)
    }

    /// a · b / 2^768 mod p, word by word of `b` (the method that Koç, Acar and Kaliski call CIOS).
    private static func multiply(_ a: Words, _ b: Words) -> Words {
        var sum = InlineArray<14, UInt64>(repeating: 0)
        for outer in 0..<12 {
            addProduct(a, b[outer], to: &sum)
            addProduct(prime, sum[0] &* inverse, to: &sum)
            // The lowest word is zero now.
            for index in 0..<13 { sum[index] = sum[index + 1] }
            sum[13] = 0
        }
        var result = Words(repeating: 0)
        for index in 0..<12 { result[index] = sum[index] }
        return sum[12] != 0 || !isLess(result, prime) ? subtract(result, prime) : result
    }

    private static func addProduct(_ a: Words, _ factor: UInt64, to sum: inout InlineArray<14, UInt64>) {
        var carry: UInt64 = 0
        for index in 0..<12 {
            var (high, low) = a[index].multipliedFullWidth(by: factor)
            var overflow: Bool
            (low, overflow) = low.addingReportingOverflow(sum[index])
            high &+= overflow ? 1 : 0
            (low, overflow) = low.addingReportingOverflow(carry)
            high &+= overflow ? 1 : 0
            sum[index] = low
            carry = high
        }
        let (top, overflow) = sum[12].addingReportingOverflow(carry)
        sum[12] = top
        sum[13] &+= overflow ? 1 : 0
    }

    private static func doubled(_ value: Words) -> Words {
        var result = Words(repeating: 0)
        var carry: UInt64 = 0
        for index in 0..<12 {
            result[index] = value[index] << 1 | carry
            carry = value[index] >> 63
        }
        return carry != 0 || !isLess(result, prime) ? subtract(result, prime) : result
    }

    /// a − b mod 2^768.
    private static func subtract(_ a: Words, _ b: Words) -> Words {
        var result = Words(repeating: 0)
        var borrow: UInt64 = 0
        for index in 0..<12 {
            let (partial, first) = a[index].subtractingReportingOverflow(b[index])
            let (value, second) = partial.subtractingReportingOverflow(borrow)
            result[index] = value
            borrow = first || second ? 1 : 0
        }
        return result
    }

    private static func isLess(_ a: Words, _ b: Words) -> Bool {
        for index in (0..<12).reversed() where a[index] != b[index] { return a[index] < b[index] }
        return false
    }

    // MARK: Bytes

    private static func words(_ bytes: ArraySlice<UInt8>) -> Words {
        var words = Words(repeating: 0)
        for (index, byte) in bytes.enumerated() { words[11 - index / 8] = words[11 - index / 8] << 8 | UInt64(byte) }
        return words
    }

    private static func bytes(_ words: Words) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(ObfuscationSpecification.keyByteCount)
        for index in (0..<12).reversed() { bytes.append(bigEndian: words[index]) }
        return bytes
    }
}
