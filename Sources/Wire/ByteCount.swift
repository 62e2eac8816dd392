// SPDX-License-Identifier: Apache-2.0

/// A number of bytes: a size, a limit or a quota. Never negative in what users write.
public struct ByteCount: Hashable, Sendable {
    /// The number itself; limits are kept in 64 bits on every machine.
    public var bytes: Int64

    /// So many bytes.
    public init(_ bytes: Int64) { self.bytes = bytes }
}

extension ByteCount: CustomStringConvertible {
    private static let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]

    /// For people: `512 B`, `1.5 KiB`, `20 MiB`; at most one digit after the point, rounded down.
    public var description: String {
        guard bytes >= 1024 else { return "\(bytes) B" }
        var unit = 1
        while unit < Self.units.count - 1, bytes >> Int64(10 * (unit + 1)) > 0 { unit += 1 }
        let whole = bytes >> Int64(10 * unit)
        let rest = bytes >> Int64(10 * (unit - 1)) & 1023
        let tenth = rest * 10 / 1024
        return whole >= 100 || tenth == 0 ? "\(whole) \(Self.units[unit])" : "\(whole).\(tenth) \(Self.units[unit])"
    }

    /// From a whole number or a decimal fraction with a unit: `B` or none, `kB MB GB TB` (1,000) and
    /// `KiB MiB GiB TiB` (1,024), in any case. Nil for anything else, and beyond 2^63 − 1.
    public init?(_ text: some StringProtocol) {
        let number = text.prefix { $0 == "." || $0.isASCII && $0.isNumber }
        let unit = text[number.endIndex...].drop { $0 == " " }.lowercased()
        guard let factor = Self.factors[unit] else { return nil }
        let parts = number.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = Int64(parts[0]) else { return nil }
        var (total, overflow) = whole.multipliedReportingOverflow(by: factor)
        if parts.count == 2 {
            // The ninth digit of a TiB is about a KiB: nobody writes more, and nine cannot overflow.
            guard (1...9).contains(parts[1].count), let fraction = Int64(parts[1]) else { return nil }
            let scale = (0..<parts[1].count).reduce(Int64(1)) { product, _ in product * 10 }
            let part = fraction.multipliedFullWidth(by: factor)
            let quotient = scale.dividingFullWidth(part).quotient
            let sum = total.addingReportingOverflow(quotient)
            (total, overflow) = (sum.partialValue, overflow || sum.overflow)
        }
        guard !overflow else { return nil }
        bytes = total
    }

    private static let factors: [String: Int64] = [
        "": 1, "b": 1,
        "kb": 1000, "mb": 1_000_000, "gb": 1_000_000_000, "tb": 1_000_000_000_000,
        "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
    ]
}
