// SPDX-License-Identifier: Apache-2.0

/// What kind of network an address belongs to, after IANA's registries of special-purpose addresses.
///
/// An IPv6 address that stands for an IPv4 one (mapped, NAT64, 6to4) has the scope of that one: what is refused in four bytes
/// must not come back in sixteen.
public enum AddressScope: Hashable, Sendable {
    /// Of the public Internet.
    case global
    case loopback
    /// RFC 1918, RFC 4193, the old site-local range, and NAT64 prefixes of one's own (RFC 8215).
    case privateUse
    /// RFC 6598: between a provider's address translation and its customers.
    case shared
    case linkLocal
    /// Nobody is there by definition: unspecified, broadcast, multicast.
    case notUnicast
    /// Documentation, benchmarks, tunnels that are no more, what has not been assigned.
    case reserved
}

extension IPAddress {
    /// What IANA has set the address aside for; IPv4 inside IPv6 counts as that IPv4 address.
    public var scope: AddressScope {
        switch self {
        case .v4(let value): Self.scope(value)
        case .v6(let high, let low): Self.scope(high, low)
        }
    }

    private static func scope(_ value: UInt32) -> AddressScope {
        for range in ranges where value >> (32 - range.bits) == range.prefix >> (32 - range.bits) { return range.scope }
        return .global
    }

    /// The first that fits counts.
    private static let ranges: [(prefix: UInt32, bits: UInt32, scope: AddressScope)] = [
        (0x0A00_0000, 8, .privateUse), (0x7F00_0000, 8, .loopback), (0xC0A8_0000, 16, .privateUse),
        (0xAC10_0000, 12, .privateUse), (0xA9FE_0000, 16, .linkLocal), (0x6440_0000, 10, .shared),
        (0x0000_0000, 8, .notUnicast), (0xE000_0000, 4, .notUnicast), (0xFFFF_FFFF, 32, .notUnicast),
        (0xF000_0000, 4, .reserved), (0xC000_0000, 24, .reserved), (0xC000_0200, 24, .reserved),
        (0xC058_6300, 24, .reserved), (0xC612_0000, 15, .reserved), (0xC633_6400, 24, .reserved),
        (0xCB00_7100, 24, .reserved),
    ]

    private static func scope(_ high: UInt64, _ low: UInt64) -> AddressScope {
        let embedded = UInt32(truncatingIfNeeded: low)
        switch high {
        case 0 where low == 0: return .notUnicast
        case 0 where low == 1: return .loopback
        case 0 where low >> 32 == 0xFFFF: return scope(embedded)
        case 0x0064_FF9B_0000_0000 where low >> 32 == 0: return scope(embedded)
        default: break
        }
        if high >> 48 == 0x2002 { return scope(UInt32(truncatingIfNeeded: high >> 16)) }
        if high >> 16 == 0x0064_FF9B_0001 { return .privateUse }
        if high >> 57 == 0x7E || high >> 54 == 0x3FB { return .privateUse }
        if high >> 54 == 0x3FA { return .linkLocal }
        if high >> 56 == 0xFF { return .notUnicast }
        // Protocol assignments with Teredo (2001::/23), documentation (2001:db8::/32, 3fff::/20).
        let isSpecial = high >> 41 == 0x2001_0000 >> 9 || high >> 32 == 0x2001_0DB8 || high >> 44 == 0x3FFF0
        return high >> 61 == 1 && !isSpecial ? .global : .reserved
    }
}
