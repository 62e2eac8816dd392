// SPDX-License-Identifier: Apache-2.0

/// An IPv4 or IPv6 address as a number.
public enum IPAddress: Hashable, Sendable {
    case v4(UInt32)
    case v6(high: UInt64, low: UInt64)

    /// From 4 or 16 bytes in network order; nil for any other count.
    @inlinable
    public init?(_ bytes: some Collection<UInt8>) {
        var (high, low) = (UInt64(0), UInt64(0))
        for byte in bytes.prefix(16) {
            high = high << 8 | low >> 56
            low = low << 8 | UInt64(byte)
        }
        switch bytes.count {
        case 4: self = .v4(UInt32(truncatingIfNeeded: low))
        case 16: self = .v6(high: high, low: low)
        default: return nil
        }
    }

    /// 4 or 16 bytes in network order.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        switch self {
        case .v4(let value): bytes.append(bigEndian: value)
        case .v6(let high, let low):
            bytes.append(bigEndian: high)
            bytes.append(bigEndian: low)
        }
        return bytes
    }

    /// IPv4 mapped into IPv6 is not: see ``isMapped``.
    public var isV4: Bool {
        if case .v4 = self { return true }
        return false
    }

    /// The address of one subscriber: of IPv6 the first 64 bits, since whoever has one address of these has them all.
    public var subscriber: IPAddress {
        switch self {
        case .v4: self
        case .v6(let high, _): .v6(high: high, low: 0)
        }
    }

    /// 127.0.0.0/8 or ::1.
    public var isLoopback: Bool {
        switch self {
        case .v4(let value): value >> 24 == 127
        case .v6(let high, let low): high == 0 && low == 1
        }
    }

    /// `0.0.0.0` or `::`: a socket bound to it takes what comes to any address of its family.
    public var isUnspecified: Bool { self == .v4(0) || self == .v6(high: 0, low: 0) }

    /// An IPv4 address mapped into IPv6 (RFC 4291 §2.5.5.2).
    public var isMapped: Bool {
        if case .v6(0, let low) = self { return low >> 32 == 0xFFFF }
        return false
    }

    /// An address that one host can have: neither multicast, broadcast nor unspecified, and IPv4 not dressed up as IPv6.
    public var isUnicast: Bool {
        switch self {
        case .v4(let value): value >> 24 != 0 && value >> 29 != 7
        case .v6(let high, let low): high >> 56 != 0xFF && (high != 0 || (low >> 32 != 0xFFFF && low != 0))
        }
    }

    /// Loopback, private (RFC 1918, RFC 4193) or link-local: not an address of the public Internet.
    public var isLocal: Bool {
        switch self {
        case .v4(let value):
            value >> 24 == 10 || value >> 24 == 127 || value >> 20 == 0xAC1 || value >> 16 == 0xC0A8
                || value >> 16 == 0xA9FE
        case .v6(let high, _): isLoopback || high >> 57 == 0x7E || high >> 54 == 0x3FA
        }
    }
}

extension IPAddress: CustomStringConvertible {
    /// Dotted decimal, or RFC 5952 for IPv6.
    public var description: String {
        switch self {
        case .v4: bytes.map { String($0) }.joined(separator: ".")
        case .v6: Self.compressed(groups)
        }
    }

    private var groups: [UInt16] {
        let all = bytes
        return stride(from: 0, to: all.count, by: 2).map { UInt16(all[$0]) << 8 | UInt16(all[$0 + 1]) }
    }

    private static func compressed(_ groups: [UInt16]) -> String {
        var best = 0..<0
        var start = 0
        while start < groups.count {
            let end = groups[start...].firstIndex { $0 != 0 } ?? groups.count
            if end - start > max(best.count, 1) { best = start..<end }
            start = max(end, start + 1)
        }
        func text(_ part: ArraySlice<UInt16>) -> String { part.map { String($0, radix: 16) }.joined(separator: ":") }
        guard !best.isEmpty else { return text(groups[...]) }
        return text(groups[..<best.lowerBound]) + "::" + text(groups[best.upperBound...])
    }
}

extension IPAddress: LosslessStringConvertible {
    /// Dotted decimals without leading zeros, or the text forms of RFC 4291 §2.2; no zone, no brackets, no names.
    public init?(_ description: String) {
        if let address = Self.parseV4(description[...]) {
            self = .v4(address)
        } else if let address = Self.parseV6(description) {
            self = address
        } else {
            return nil
        }
    }

    private static func parseV4(_ text: Substring) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            // A leading zero is octal to some readers and decimal to others, so it is refused.
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (48...57).contains($0) }),
                part.utf8.count == 1 || part.utf8.first != 48, let octet = UInt8(part)
            else { return nil }
            value = value << 8 | UInt32(octet)
        }
        return value
    }

    private static func parseV6(_ text: String) -> IPAddress? {
        let halves = text.split(separator: "::", maxSplits: 2, omittingEmptySubsequences: false)
        guard halves.count <= 2, let head = parseGroups(halves[0], isEnd: halves.count == 1) else { return nil }
        var groups = head
        if halves.count == 2 {
            guard let tail = parseGroups(halves[1], isEnd: true), head.count + tail.count < 8 else { return nil }
            groups += Array(repeating: 0, count: 8 - head.count - tail.count) + tail
        }
        guard groups.count == 8 else { return nil }
        return IPAddress(groups.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] })
    }

    /// The groups between colons. Where the text ends (`isEnd`), an IPv4 address may stand last (RFC 4291 §2.2).
    private static func parseGroups(_ text: Substring, isEnd: Bool) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if isEnd, index == parts.count - 1, let embedded = parseV4(part) {
                groups += [UInt16(embedded >> 16), UInt16(embedded & 0xFFFF)]
            } else if (1...4).contains(part.utf8.count), part.allSatisfy({ $0.isASCII && $0.isHexDigit }),
                let group = UInt16(part, radix: 16)
            {
                groups.append(group)
            } else {
                return nil
            }
        }
        return groups
    }
}
