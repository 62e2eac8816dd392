// SPDX-License-Identifier: Apache-2.0
public import Wire

/// A node's place in the key space, and any target in it.
public typealias NodeID = Digest160

extension NodeID {
    /// Any id, all equally likely.
    public static func random(using generator: inout some RandomNumberGenerator) -> NodeID {
        NodeID((0..<byteCount).map { _ in UInt8.random(in: .min ... .max, using: &generator) }) ?? .zero
    }

    /// A random id that shares exactly `bits` leading bits with this one: a target inside one bucket of its table.
    func neighbour(sharing bits: Int, using generator: inout some RandomNumberGenerator) -> NodeID {
        var bytes = NodeID.random(using: &generator).bytes
        for bit in 0..<min(bits + 1, Self.byteCount * 8) {
            let mask = UInt8(0x80) >> UInt8(bit & 7)
            let wanted = bit == bits ? ~self[bit >> 3] & mask : self[bit >> 3] & mask
            bytes[bit >> 3] = bytes[bit >> 3] & ~mask | wanted
        }
        return NodeID(bytes) ?? self
    }
}

/// Ids tied to addresses (BEP 42 "Node ID restriction"): the first 21 bits follow from the address and the last byte.
extension NodeID {
    /// A random id that is valid for `address`.
    public static func secured(for address: IPAddress, using generator: inout some RandomNumberGenerator) -> NodeID {
        var bytes = random(using: &generator).bytes
        let prefix = securedPrefix(of: address, random: bytes[19])
        bytes[0] = UInt8(truncatingIfNeeded: prefix >> 24)
        bytes[1] = UInt8(truncatingIfNeeded: prefix >> 16)
        bytes[2] = UInt8(truncatingIfNeeded: prefix >> 8) & 0xF8 | bytes[2] & 0x07
        return NodeID(bytes) ?? .zero
    }

    /// Whether a node at `address` may have this id; always so on loopback, private and link-local addresses.
    public func isSecured(for address: IPAddress) -> Bool {
        guard !address.isLocal else { return true }
        let prefix = Self.securedPrefix(of: address, random: self[19])
        let own = UInt32(self[0]) << 24 | UInt32(self[1]) << 16 | UInt32(self[2]) << 8
        return (prefix ^ own) >> 11 == 0
    }

    private static func securedPrefix(of address: IPAddress, random: UInt8) -> UInt32 {
        switch address {
        case .v4(let value):
            let masked = UInt64(value & 0x030F_3FFF) | UInt64(random & 7) << 29
            return CRC32C.checksum(bigEndian: masked, byteCount: 4)
        case .v6(let high, _):
            let masked = high & 0x0103_070F_1F3F_7FFF | UInt64(random & 7) << 61
            return CRC32C.checksum(bigEndian: masked, byteCount: 8)
        }
    }
}
