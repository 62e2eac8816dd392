// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Whose record, and which (§3): 16 bytes on the wire.
public struct ZoneDigest: Hashable, Sendable {
    /// The first eight bytes of the SHA-256 of the issuer's key.
    public var id: UInt64
    /// The record's number.
    public var sequence: UInt64
}

/// A record as it is passed on (§3).
public struct ZoneItem: Equatable, Sendable {
    /// How many seconds ago it was signed, as far as the sender knows.
    public var age: UInt32
    /// The envelope.
    public var bytes: [UInt8]
}

/// A question of one node of a zone to another (§3).
public struct ZoneQuery: Equatable, Sendable {
    public enum Kind: Equatable, Sendable {
        /// Records that the sender holds and took to be news; perhaps its own whole. `back` is what the receiver shows when it
        /// asks for them.
        case tell([ZoneDigest], own: ZoneItem?, back: [UInt8])
        /// Sums of the sender's buckets: for digests of those that differ, from a bucket on.
        case compare([UInt64], from: Int)
        /// For records by their ids.
        case get([UInt64])
    }

    /// Of the zone.
    public var tag: UInt64
    /// As the receiver gave it lately; without it only a token is answered.
    public var token: [UInt8]?
    public var kind: Kind
    /// How many buckets the answers before have gone through, of 64, where a comparison goes on; the asker's own, not sent.
    var passed = 0

    /// Of the method in KRPC.
    var name: String {
        switch kind {
        case .tell: "zone_tell"
        case .compare: "zone_compare"
        case .get: "zone_get"
        }
    }
}

/// The answer to a question that a node of the zone has understood (§3).
public struct ZoneAnswer: Equatable, Sendable {
    /// False where the question had no good token: only the token of the answer means anything then.
    public var isActedOn: Bool
    public var digests: [ZoneDigest] = []
    /// The bucket to go on with, where digests did not all fit.
    public var next: Int?
    public var items: [ZoneItem] = []
}

// MARK: - Bytes

extension ZoneQuery {
    static let names: Set<String> = ["zone_tell", "zone_compare", "zone_get"]

    init(parsing arguments: BencodeNode, name: String) throws(KRPCFault) {
        guard let tag = arguments["zone"]?.bytes, tag.count == 8 else { throw .protocolError }
        self.tag = tag.bigEndian
        token = arguments["token"]?.bytes.flatMap { $0.count <= 128 ? Array($0) : nil }
        switch name {
        case "zone_tell":
            guard let digests = ZoneDigest.list(arguments["d"]), let back = arguments["back"]?.bytes, back.count <= 128
            else { throw .protocolError }
            kind = .tell(digests, own: arguments["r"]?.bytes.flatMap { ZoneItem($0) }, back: Array(back))
        case "zone_compare":
            let length = ZoneSpecification.buckets * ZoneRegister.bytesOfSum
            guard let from = arguments["from"]?.integer, (0..<Int64(ZoneSpecification.buckets)).contains(from),
                let bytes = arguments["sums"]?.bytes, bytes.count == length
            else { throw .protocolError }
            let sums = stride(from: bytes.startIndex, to: bytes.endIndex, by: ZoneRegister.bytesOfSum).map { start in
                bytes[start..<start + ZoneRegister.bytesOfSum].bigEndian
            }
            kind = .compare(sums, from: Int(from))
        default:
            guard let bytes = arguments["ids"]?.bytes, bytes.count % 8 == 0,
                (1...ZoneSpecification.maximumItems).contains(bytes.count / 8)
            else { throw .protocolError }
            let ids = stride(from: bytes.startIndex, to: bytes.endIndex, by: 8).map { start in
                bytes[start..<start + 8].bigEndian
            }
            kind = .get(ids)
        }
    }

    /// Its arguments, in ascending order of keys, with the sender's `id` among them.
    func encode(into bytes: inout [UInt8], sender: NodeID) {
        bytes.append(UInt8(ascii: "d"))
        switch kind {
        case .tell(let digests, let own, let back):
            bytes.append(key: "back", back)
            bytes.append(key: "d", ZoneDigest.bytes(digests))
            bytes.append(key: "id", fixed: sender)
            if let own { bytes.append(key: "r", own.encoded) }
        case .compare(let sums, let from):
            bytes.append(key: "from", Int64(from))
            bytes.append(key: "id", fixed: sender)
            var list: [UInt8] = []
            for sum in sums {
                list.append(bigEndian: UInt16(truncatingIfNeeded: sum >> 32))
                list.append(bigEndian: UInt32(truncatingIfNeeded: sum))
            }
            bytes.append(key: "sums", list)
        case .get(let ids):
            bytes.append(key: "id", fixed: sender)
            var list: [UInt8] = []
            for id in ids { list.append(bigEndian: id) }
            bytes.append(key: "ids", list)
        }
        if let token { bytes.append(key: "token", token) }
        var tagBytes: [UInt8] = []
        tagBytes.append(bigEndian: tag)
        bytes.append(key: "zone", tagBytes)
        bytes.append(UInt8(ascii: "e"))
    }
}

extension ZoneAnswer {
    /// Nil where the answer is not one of a zone's node.
    init?(parsing fields: BencodeNode) {
        guard let flag = fields["zone"]?.integer, flag == 0 || flag == 1 else { return nil }
        isActedOn = flag == 1
        digests = ZoneDigest.list(fields["d"]) ?? []
        next = fields["next"]?.integer.flatMap { (0..<Int64(ZoneSpecification.buckets)).contains($0) ? Int($0) : nil }
        items = (fields["r"]?.list ?? []).prefix(ZoneSpecification.maximumItems)
            .compactMap { $0.bytes.flatMap { ZoneItem($0) } }
    }

    func encode(into bytes: inout [UInt8], sender: NodeID, token: [UInt8]?) {
        bytes.append(UInt8(ascii: "d"))
        if !digests.isEmpty { bytes.append(key: "d", ZoneDigest.bytes(digests)) }
        bytes.append(key: "id", fixed: sender)
        if let next { bytes.append(key: "next", Int64(next)) }
        if !items.isEmpty {
            bytes.append(bencoded: "r")
            bytes.append(UInt8(ascii: "l"))
            for item in items { bytes.append(bencoded: item.encoded) }
            bytes.append(UInt8(ascii: "e"))
        }
        if let token { bytes.append(key: "token", token) }
        bytes.append(key: "zone", isActedOn ? 1 : 0)
        bytes.append(UInt8(ascii: "e"))
    }
}

extension ZoneItem {
    init?(_ bytes: ArraySlice<UInt8>) {
        guard bytes.count > 4 else { return nil }
        age = UInt32(truncatingIfNeeded: bytes.prefix(4).bigEndian)
        self.bytes = Array(bytes.dropFirst(4))
    }

    var encoded: [UInt8] {
        var encoded: [UInt8] = []
        encoded.append(bigEndian: age)
        return encoded + bytes
    }
}

extension ZoneDigest {
    /// Nil where it is no list of at most ``ZoneSpecification/maximumDigests``.
    static func list(_ node: BencodeNode?) -> [ZoneDigest]? {
        guard let bytes = node?.bytes, bytes.count % 16 == 0,
            bytes.count / 16 <= ZoneSpecification.maximumDigests
        else { return nil }
        var reader = ByteReader(Array(bytes))
        var digests: [ZoneDigest] = []
        while let id = reader.read(UInt64.self), let sequence = reader.read(UInt64.self) {
            digests.append(ZoneDigest(id: id, sequence: sequence))
        }
        return digests
    }

    static func bytes(_ digests: [ZoneDigest]) -> [UInt8] {
        var bytes: [UInt8] = []
        for digest in digests {
            bytes.append(bigEndian: digest.id)
            bytes.append(bigEndian: digest.sequence)
        }
        return bytes
    }
}
