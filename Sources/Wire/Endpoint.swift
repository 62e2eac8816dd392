// SPDX-License-Identifier: Apache-2.0

/// An address and a port: where a peer or a node is reached.
public struct Endpoint: Hashable, Sendable {
    /// Where to; an IPv4 address mapped into IPv6 stays as it came and equals no IPv4 address.
    public var address: IPAddress
    /// 0 is no port that anybody can be reached at: ``AddressPolicy`` refuses it.
    public var port: UInt16

    /// Any address with any port: nothing is judged here.
    @inlinable
    public init(_ address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
    }

    /// From compact peer info (BEP 5, BEP 7, BEP 23): 6 bytes for IPv4 or 18 for IPv6; nil for any other count.
    @inlinable
    public init?(compact bytes: some Collection<UInt8>) {
        var left = bytes.count
        let isV4 = left == 6
        guard isV4 || left == 18 else { return nil }
        var (high, low, port) = (UInt64(0), UInt64(0), UInt16(0))
        for byte in bytes {
            left -= 1
            if left < 2 {
                port = port << 8 | UInt16(byte)
            } else {
                high = high << 8 | low >> 56
                low = low << 8 | UInt64(byte)
            }
        }
        self.init(isV4 ? .v4(UInt32(truncatingIfNeeded: low)) : .v6(high: high, low: low), port: port)
    }

    /// 6 bytes for IPv4, 18 for IPv6.
    public var compact: [UInt8] {
        var bytes = address.bytes
        bytes.append(bigEndian: port)
        return bytes
    }
}

extension Endpoint: LosslessStringConvertible {
    /// `127.0.0.1:6881` or `[::1]:6881`.
    public var description: String { address.isV4 ? "\(address):\(port)" : "[\(address)]:\(port)" }

    /// Reads what ``description`` writes: IPv6 needs its brackets, IPv4 must have none, and there are no names.
    public init?(_ description: String) {
        guard let colon = description.lastIndex(of: ":") else { return nil }
        let digits = description[description.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(digits) else {
            return nil
        }
        var host = description[..<colon]
        let bracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if bracketed { host = host.dropFirst().dropLast() }
        guard let address = IPAddress(String(host)), address.isV4 != bracketed else { return nil }
        self.init(address, port: port)
    }
}
