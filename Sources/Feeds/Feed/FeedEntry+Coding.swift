// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

extension FeedEntry {
    /// The bytes that go into the log: one deterministic CBOR map.
    ///
    /// Nil for an entry beyond 64 KiB and for an unknown one, whose bytes only its writer has.
    public var encoded: [UInt8]? {
        guard let fields = encodedFields else { return nil }
        let bytes = SignedStatement.encode(fields)
        return bytes.count <= FeedSpecification.entryBytes ? bytes : nil
    }

    private var encodedFields: [(CBOR, CBOR)]? {
        switch self {
        case .root(let root):
            return [("sig", .bytes(root.signature))] + root.fields
        case .release(let release): return [("type", "release")] + release.encodedFields
        case .withdraw(let withdrawal):
            return [
                ("reason", .text(withdrawal.reason)), ("seq", .integer(withdrawal.seq)),
                ("time", .integer(withdrawal.time)), ("type", "withdraw"),
            ]
        case .rotate(let rotation):
            return [("sig", .bytes(rotation.signature))]
                + Rotation.fields(position: rotation.position, key: rotation.key, next: rotation.next)
        case .recover(let recovery): return [("sig", .bytes(recovery.signature))] + recovery.fields
        case .admit(let key): return [("key", .bytes(key)), ("type", "admit")]
        case .remove(let key, let size):
            return [("key", .bytes(key)), ("size", .integer(Int64(size))), ("type", "remove")]
        case .endorse(let proof): return [("proof", .bytes(proof)), ("type", "endorse")]
        case .unknown: return nil
        }
    }

    /// Reads an entry of any type; fields that are not known are ignored unless the entry calls them critical.
    ///
    /// The bytes themselves stay what is hashed and passed on.
    public static func parse(_ bytes: [UInt8]) throws(FeedError) -> FeedEntry {
        let reader = try FieldReader(bytes, limit: FeedSpecification.entryBytes)
        guard let type = reader.map["type"]?.text, type.utf8.count <= 64 else { throw .notAnEntry }
        guard let fields = knownFields[type] else {
            // An unknown type may name any field of its own as critical; then we must not go past it.
            try reader.checkCritical(known: [])
            return .unknown(type: type)
        }
        try reader.checkCritical(known: fields)
        return try parse(type, reader)
    }

    private static let knownFields: [String: Set<String>] = [
        "root": ["key", "next", "recovery", "sig", "type", "writers"],
        "release": Release.fields.union(["type"]),
        "withdraw": ["reason", "seq", "time", "type"],
        "rotate": ["key", "next", "root", "sig", "site", "size", "type"],
        "recover": ["key", "next", "recovery", "root", "sig", "site", "size", "stolen", "time", "type", "with"],
        "admit": ["key", "type"],
        "remove": ["key", "size", "type"],
        "endorse": ["proof", "type"],
    ]

    private static func parse(_ type: String, _ reader: FieldReader) throws(FeedError) -> FeedEntry {
        switch type {
        case "root": return .root(try RootRecord(reader))
        case "release": return .release(try Release(reader))
        case "withdraw":
            return .withdraw(
                Withdrawal(
                    seq: try reader.integer("seq", in: 1...Int64.max),
                    reason: try reader.text("reason", limit: FeedSpecification.messageBytes),
                    time: try reader.integer("time", in: 0...Int64.max)
                )
            )
        case "rotate":
            return .rotate(
                Rotation(
                    position: try LogPosition(reader),
                    key: try reader.fixed("key"),
                    next: try reader.fixed("next"),
                    signature: try reader.fixed("sig")
                )
            )
        case "recover": return .recover(try Recovery(reader, position: try LogPosition(reader)))
        case "admit": return .admit(key: try reader.fixed("key"))
        case "endorse":
            guard let proof = try reader.bytes("proof", limit: FeedSpecification.entryBytes) else {
                throw .missing(field: "proof")
            }
            return .endorse(proof)
        default:
            return .remove(
                key: try reader.fixed("key"),
                size: try reader.count("size", upTo: FeedSpecification.entries)
            )
        }
    }
}

extension RootRecord {
    init(_ reader: FieldReader) throws(FeedError) {
        guard let list = reader.map["writers"]?.array, list.count <= FeedSpecification.writers else {
            throw .invalid(field: "writers")
        }
        var writers: [PublicKey] = []
        for element in list {
            guard let key = element.fixed(PublicKey.self), writers.last.map({ $0 < key }) ?? true else {
                throw .invalid(field: "writers")
            }
            writers.append(key)
        }
        self.init(
            key: try reader.fixed("key"),
            next: try reader.fixed("next"),
            recovery: try reader.fixed("recovery"),
            writers: writers,
            signature: try reader.fixed("sig")
        )
    }
}
