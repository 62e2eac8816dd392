// SPDX-License-Identifier: Apache-2.0
public import Wire

/// The extension handshake (BEP 10, extended message 0): which extensions a side takes, under which numbers.
///
/// Numbers are each side's own: what we send goes under the other side's number for it. Fields that are missing, or of
/// the wrong kind, read as nil; unknown ones are ignored.
public struct ExtensionHandshake: Equatable, Sendable {
    /// The most bytes of a handshake that are looked at.
    public static let maximumBytes = 65_536
    /// Extensions taken from one handshake; further names are ignored.
    public static let maximumExtensions = 64
    private static let limits = Bencode.Limits(bytes: maximumBytes, depth: 8, values: 2048)

    /// The sender's number for each extension by name; 0 takes one back.
    public var extensions: [String: UInt8] = [:]
    /// Name and version of the program, at most 128 bytes are kept.
    public var client: String?
    /// The port on which the sender listens.
    public var listenPort: UInt16?
    /// How many requests the sender keeps for us (`reqq`).
    public var requestQueue: Int?
    /// How the sender sees our address.
    public var yourAddress: IPAddress?
    /// Where else the sender is reached (BEP 10 `ipv4`, `ipv6`), at ``listenPort``.
    public var otherAddresses: [IPAddress] = []
    /// The sender prefers obfuscated connections (`e`).
    public var prefersEncryption: Bool?
    /// Bytes of the info dictionary (BEP 9), where the sender has it.
    public var metadataSize: Int?
    /// The sender wants nothing (BEP 21).
    public var isUploadOnly: Bool?
    /// Messages of the one extension in ``extensions``, from a side that does not know the other's number for it yet (`rs_early`,
    /// `docs/protocols/site-exchange.md` §1), at most ``maximumEarly``; nil where the sender reads none there.
    public var early: [[UInt8]]?
    /// Of messages in one handshake; further ones are ignored.
    public static let maximumEarly = 16

    /// No extensions and no fields: what a side that has nothing to say sends.
    public init() {}

    /// Throws where the payload does not begin with a dictionary; what follows the dictionary is ignored.
    public init(parsing payload: [UInt8]) throws(PeerWireError) {
        guard let node = try? Bencode.parsePrefix(payload, mode: .tolerant, limits: Self.limits).node, node.isDictionary
        else { throw .malformedExtension(id: 0) }
        for (name, number) in node["m"]?.entries ?? [] {
            guard extensions.count < Self.maximumExtensions, name.count <= 64,
                let name = String(validating: name, as: UTF8.self),
                let number = number.integer.flatMap({ UInt8(exactly: $0) })
            else { continue }
            extensions[name] = number
        }
        client = node["v"]?.bytes.map { String(repairing: $0, atMost: 128) }
        listenPort = node["p"]?.integer.flatMap { UInt16(exactly: $0) }
        requestQueue = node["reqq"]?.integer.flatMap { $0 > 0 ? Int(min($0, 1 << 20)) : nil }
        yourAddress = node["yourip"]?.bytes.flatMap { IPAddress($0) }
        otherAddresses = ["ipv4", "ipv6"].compactMap { name in
            node[name]?.bytes.flatMap { IPAddress($0) }.flatMap { $0.isV4 == (name == "ipv4") ? $0 : nil }
        }
        prefersEncryption = node["e"]?.integer.map { $0 != 0 }
        metadataSize = node["metadata_size"]?.integer.flatMap { $0 > 0 ? Int(exactly: $0) : nil }
        isUploadOnly = node["upload_only"]?.integer.map { $0 != 0 }
        early = node["rs_early"]?.list.map { $0.prefix(Self.maximumEarly).compactMap { $0.bytes.map { Array($0) } } }
    }

    /// One bencoded dictionary, the payload of extended message 0.
    public var encoded: [UInt8] {
        var entries: [String: BencodeValue] = [
            "m": .dictionary(extensions.mapValues { BencodeValue.integer(Int64($0)) })
        ]
        if let client { entries["v"] = .string(client) }
        if let listenPort { entries["p"] = .integer(Int64(listenPort)) }
        if let requestQueue { entries["reqq"] = .integer(Int64(requestQueue)) }
        if let yourAddress { entries["yourip"] = .bytes(yourAddress.bytes) }
        for address in otherAddresses { entries[address.isV4 ? "ipv4" : "ipv6"] = .bytes(address.bytes) }
        if let prefersEncryption { entries["e"] = prefersEncryption ? 1 : 0 }
        if let metadataSize { entries["metadata_size"] = .integer(Int64(metadataSize)) }
        if let isUploadOnly { entries["upload_only"] = isUploadOnly ? 1 : 0 }
        if let early { entries["rs_early"] = .list(early.map { .bytes($0) }) }
        return BencodeValue.dictionary(entries).encoded
    }
}
