// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

extension SiteMessage {
    enum Kind: Int64 {
        case getKey = 1
        case key = 2
        case getHead = 3
        case head = 4
        case getEntries = 5
        case entries = 6
        case getNode = 7
        case node = 8
        case getPath = 9
        case nodes = 10
        case getConsistency = 11
        case getInclusion = 12
        case proof = 13
        case refuse = 14
        case news = 15
        case getFront = 16
    }

    /// One canonical bencoded dictionary.
    public var encoded: [UInt8] {
        switch self {
        case .request(let id, let query): return Self.encode(query.kind, id, query.fields)
        case .answer(let id, let answer): return Self.encode(answer.kind, id, answer.fields)
        case .refuse(let id, let refusal): return Self.encode(.refuse, id, ["c": .integer(Int64(refusal.rawValue))])
        case .news(let head): return Self.encode(.news, nil, ["h": .bytes(head)])
        }
    }

    private static func encode(_ kind: Kind, _ id: UInt32?, _ fields: [String: BencodeValue]) -> [UInt8] {
        var fields = fields
        fields["t"] = .integer(kind.rawValue)
        if let id { fields["i"] = .integer(Int64(id)) }
        return BencodeValue.dictionary(fields).encoded
    }

    /// Reads a payload. Unknown fields are ignored; a known one of the wrong kind or range refuses the message.
    public static func parse(_ payload: [UInt8]) throws(SiteMessageError) -> SiteMessage {
        let limits = Bencode.Limits(bytes: SiteExchangeSpecification.messageBytes, depth: 4, values: 2048)
        let node: BencodeNode
        do throws(BencodeError) {
            node = try Bencode.parse(payload, mode: .strict, limits: limits)
        } catch {
            throw .malformed(error)
        }
        let reader = SiteMessageReader(node: node)
        let type = try reader.integer("t", in: 0...Int64.max)
        guard let kind = Kind(rawValue: type) else { throw .unknownType(id: try? reader.id()) }
        if kind == .news { return .news(head: try reader.bytes("h", limit: FeedSpecification.headBytes)) }
        let id = try reader.id()
        if kind == .refuse {
            return .refuse(id: id, SiteRefusal(rawValue: Int(try reader.integer("c", in: 0...255))) ?? .notUnderstood)
        }
        if let query = try reader.query(kind) { return .request(id: id, query) }
        return .answer(id: id, try reader.answer(kind))
    }
}

extension SiteQuery {
    fileprivate var kind: SiteMessage.Kind {
        switch self {
        case .key: .getKey
        case .head: .getHead
        case .entries: .getEntries
        case .node: .getNode
        case .path: .getPath
        case .consistency: .getConsistency
        case .inclusion: .getInclusion
        case .front: .getFront
        }
    }

    fileprivate var fields: [String: BencodeValue] {
        switch self {
        case .key, .head: [:]
        case .entries(let from, let offset): ["f": .integer(Int64(from)), "o": .integer(Int64(offset))]
        case .node(let hash, let offset): ["h": .bytes(hash.bytes), "o": .integer(Int64(offset))]
        case .path(let node, let path): ["h": .bytes(node.bytes), "p": .list(path.map { .string($0) })]
        case .consistency(let old, let new): ["a": .integer(Int64(old)), "b": .integer(Int64(new))]
        case .inclusion(let index, let size): ["a": .integer(Int64(index)), "b": .integer(Int64(size))]
        case .front(let path): ["p": .list(path.map { .string($0) })]
        }
    }
}

extension SiteAnswer {
    fileprivate var kind: SiteMessage.Kind {
        switch self {
        case .key: .key
        case .head: .head
        case .entries: .entries
        case .node: .node
        case .nodes: .nodes
        case .proof: .proof
        }
    }

    fileprivate var fields: [String: BencodeValue] {
        switch self {
        case .key(let key): ["k": .bytes(key.bytes)]
        case .head(let head, let holds): ["h": .bytes(head), "s": .list(holds.map { .integer($0) })]
        case .entries(let from, let offset, let bytes):
            ["d": .bytes(bytes), "f": .integer(Int64(from)), "o": .integer(Int64(offset))]
        case .node(let hash, let total, let offset, let bytes):
            [
                "d": .bytes(bytes), "h": .bytes(hash.bytes), "n": .integer(Int64(total)),
                "o": .integer(Int64(offset)),
            ]
        case .nodes(let nodes): ["n": .list(nodes.map { .bytes($0) })]
        case .proof(let digests): ["p": .bytes(digests.flatMap(\.bytes))]
        }
    }
}
