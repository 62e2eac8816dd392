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
        /// As the byte of `added.f` has it.
        public let rawValue: UInt8
        /// Any bits, as a peer may send them.
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// It would have connections obfuscated.
        public static let prefersEncryption = Flags(rawValue: 0x01)
        /// A seed, or a partial seed (BEP 21).
        public static let uploadOnly = Flags(rawValue: 0x02)
        /// It takes uTP.
        public static let utp = Flags(rawValue: 0x04)
        /// It can be introduced (BEP 55).
        public static let holepunch = Flags(rawValue: 0x08)
        /// The sender has dialled it.
        public static let reachable = Flags(rawValue: 0x10)
    }

    /// A peer that the sender is connected to.
    public struct Contact: Hashable, Sendable {
        /// Where the sender says that it is reached.
        public var endpoint: Endpoint
        /// What the sender says of it; none where the message has fewer flags than contacts.
        public var flags: Flags

        /// As sent or to be sent; nothing is checked here.
        public init(_ endpoint: Endpoint, _ flags: Flags = []) {
            self.endpoint = endpoint
            self.flags = flags
        }
    }

    /// Connected to since the last message, of both families.
    public var added: [Contact]
    /// Lost since the last message.
    public var dropped: [Endpoint]

    /// BEP 11 allows 50 of each but in the first message: who sends sees to it.
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

    /// The payload behind the extension's number.
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
