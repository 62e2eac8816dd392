// SPDX-License-Identifier: Apache-2.0
public import Wire

/// A node as others tell of it: id and address. "Compact node info" on the wire (BEP 5 "Contact Encoding", BEP 32).
public struct Contact: Hashable, Sendable {
    /// As it names itself, or as others say.
    public let id: NodeID
    /// Where it is asked.
    public let endpoint: Endpoint

    /// Believes both; whether the id may be had at that address is for ``Digest160/isSecured(for:)``.
    public init(id: NodeID, endpoint: Endpoint) {
        self.id = id
        self.endpoint = endpoint
    }

    /// 26 bytes for IPv4, 38 for IPv6.
    public var compact: [UInt8] { id.bytes + endpoint.compact }

    /// At most `limit` contacts of one family; an incomplete last one and those without an address or port are skipped.
    public static func list(
        compact bytes: some Collection<UInt8>,
        family: AddressFamily,
        limit: Int = 256
    ) -> [Contact] {
        let length = NodeID.byteCount + (family == .v4 ? 6 : 18)
        let bytes = Array(bytes)
        var contacts: [Contact] = []
        contacts.reserveCapacity(min(limit, bytes.count / length))
        var start = 0
        while contacts.count < limit, start + length <= bytes.count {
            defer { start += length }
            let middle = start + NodeID.byteCount
            guard let id = NodeID(bytes[start..<middle]),
                let endpoint = Endpoint(compact: bytes[middle..<start + length]),
                endpoint.isReachable
            else { continue }
            contacts.append(Contact(id: id, endpoint: endpoint))
        }
        return contacts
    }
}

extension Endpoint {
    /// Whether a datagram can be sent there at all: a port, and an address that one host can have. IPv4 dressed up as IPv6 is
    /// none: in four bytes it belongs to the other network.
    var isReachable: Bool { port != 0 && address.isUnicast }
}

extension IPAddress {
    /// What one operator easily holds whole: the /24 of an IPv4 address, the /48 of an IPv6 one.
    ///
    /// On loopback and private ranges every address stands for itself: many nodes share those networks honestly.
    var prefix: IPAddress {
        guard !isLocal else { return self }
        return switch self {
        case .v4(let value): .v4(value & 0xFFFF_FF00)
        case .v6(let high, _): .v6(high: high & 0xFFFF_FFFF_FFFF_0000, low: 0)
        }
    }
}
