// SPDX-License-Identifier: Apache-2.0
public import Wire

/// A message of `ut_pex` (BEP 11): whom the sender has connected to, and lost, since its last message.
public struct PeerExchangeMessage: Equatable, Sendable {
    /// Contacts of one message, added and dropped each, both families together (BEP 11).
    public static let maximumContacts = 50
    /// The first message of a connection may be longer; this much is read of any.
    public static let maximumRead = 200
    private static let limits = Bencode.Limits(bytes: 131_072, depth: 3, values: 64)

    /// What the sender says of a contact.
    public struct Flags: OptionSet, Hashable, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        public static let prefersEncryption = Flags(rawValue: 0x01)
        /// A seed, or a partial seed (BEP 21).
        public static let uploadOnly = Flags(rawValue: 0x02)
        public static let utp = Flags(rawValue: 0x04)
        public static let holepunch = Flags(rawValue: 0x08)
        /// The sender has dialled it.
        public static let reachable = Flags(rawValue: 0x10)
    }

    public struct Contact: Hashable, Sendable {
        public var endpoint: Endpoint
        public var flags: Flags

        public init(_ endpoint: Endpoint, _ flags: Flags = []) {
            self.endpoint = endpoint
            self.flags = flags
        }
    }

    public var added: [Contact]
    public var dropped: [Endpoint]

    public init(added: [Contact] = [], dropped: [Endpoint] = []) {
        self.added = added
        self.dropped = dropped
    }

    /// Reads a message. Contacts beyond ``maximumRead``, with port 0, and bytes that make up no contact are left out.
    public init(parsing payload: [UInt8], id: UInt8) throws(PeerWireError) {
        guard let node = try? Bencode.parsePrefix(payload, mode: .tolerant, limits: Self.limits).node, node.isDictionary
        else { throw .malformedExtension(id: id) }
        added = Self.contacts(node["added"], node["added.f"], size: 6)
        added += Self.contacts(node["added6"], node["added6.f"], size: 18)
        dropped = (Self.contacts(node["dropped"], nil, size: 6) + Self.contacts(node["dropped6"], nil, size: 18))
            .map(\.endpoint)
    }

    private static func contacts(_ node: BencodeNode?, _ flags: BencodeNode?, size: Int) -> [Contact] {
        guard let bytes = node?.bytes else { return [] }
        let flags = Array((flags?.bytes ?? []).prefix(maximumRead))
        var contacts: [Contact] = []
        for index in 0..<min(bytes.count / size, maximumRead) {
            let start = bytes.startIndex + index * size
            guard let endpoint = Endpoint(compact: bytes[start..<start + size]), endpoint.port != 0 else { continue }
            contacts.append(Contact(endpoint, index < flags.count ? Flags(rawValue: flags[index]) : []))
        }
        return contacts
    }

    public var encoded: [UInt8] {
        var entries: [String: BencodeValue] = [:]
        for (isV4, suffix) in [(true, ""), (false, "6")] {
            let contacts = added.filter { $0.endpoint.address.isV4 == isV4 }
            let gone = dropped.filter { $0.address.isV4 == isV4 }
            if !contacts.isEmpty {
                entries["added" + suffix] = .bytes(contacts.flatMap { $0.endpoint.compact })
                entries["added\(suffix).f"] = .bytes(contacts.map(\.flags.rawValue))
            }
            if !gone.isEmpty { entries["dropped" + suffix] = .bytes(gone.flatMap { $0.compact }) }
        }
        return BencodeValue.dictionary(entries).encoded
    }
}
