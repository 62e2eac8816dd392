// SPDX-License-Identifier: Apache-2.0
internal import Keys
public import Wire

/// A set of addresses of which only the size can be told: 256 bytes, two bits for each address (BEP 33 "Bloom filter").
///
/// Filters of several nodes are joined by a bitwise or; what many of them hold is then counted once.
public struct BloomFilter: Hashable, Sendable {
    /// m / 8.
    public static let byteCount = 256
    private static let bits = 2048

    /// As they go over the wire.
    public private(set) var bytes: [UInt8]

    /// An empty set.
    public init() { bytes = Array(repeating: 0, count: Self.byteCount) }

    /// Nil unless there are exactly 256 bytes.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// Adds an address: bits 0…15 and 16…31 of its SHA-1, each little-endian and modulo m.
    public mutating func insert(_ address: IPAddress) {
        let hash = Hash.sha1(address.bytes)
        for word in [0, 2] {
            let bit = (Int(hash[word]) | Int(hash[word + 1]) << 8) % Self.bits
            bytes[bit / 8] |= 1 << UInt8(bit % 8)
        }
    }

    /// Adds all that the other may contain.
    public mutating func formUnion(_ other: BloomFilter) {
        for index in bytes.indices { bytes[index] |= other.bytes[index] }
    }

    /// Nobody was ever put in.
    public var isEmpty: Bool { bytes.allSatisfy { $0 == 0 } }

    /// How many addresses there are about; of a full filter, as many as leave one bit (BEP 33 "Estimate").
    public var estimate: Double {
        let zeros = bytes.reduce(0) { $0 + $1.bitWidth - $1.nonzeroBitCount }
        let m = Double(Self.bits)
        let share = Double(max(1, min(zeros, Self.bits - 1))) / m
        return isEmpty ? 0 : Self.logarithm(share) / (2 * Self.logarithm(1 - 1 / m))
    }

    /// The natural logarithm of a number above zero, by the series of the inverse hyperbolic tangent.
    private static func logarithm(_ value: Double) -> Double {
        let quotient = (value.significand - 1) / (value.significand + 1)
        var (sum, power) = (0.0, quotient)
        // A significand lies in 1..<2, so the quotient is below 1/3 and twenty terms exceed the precision.
        for odd in stride(from: 1.0, to: 41, by: 2) {
            sum += power / odd
            power *= quotient * quotient
        }
        return 2 * sum + Double(value.exponent) * 0.693_147_180_559_945_3
    }
}
