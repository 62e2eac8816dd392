// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import OrderedCollections
public import Wire

/// What a node carries over a restart: its id, nodes that answered, the highest sequence numbers, and what it keeps
/// publishing. Written as one bencoded dictionary, `v` 1.
public struct DHTState: Equatable, Sendable {
    /// Something to be published again after a restart.
    public struct Kept: Hashable, Sendable {
        /// What.
        public var publication: Publication
        /// Ours, or borrowed from another who put it first.
        public var isOwn: Bool
    }

    /// The highest number seen of a mutable item.
    public struct Floor: Hashable, Sendable {
        /// Of the item.
        public var target: NodeID
        /// Nothing lower is believed any more.
        public var sequence: Int64
    }

    /// The id that the node had.
    public var id: NodeID
    /// In the IPv6 network, where it is another.
    public var id6: NodeID?
    /// To begin with: those that answered last.
    public var nodes: [Contact] = []
    /// What items may not fall behind.
    public var floors: [Floor] = []
    /// What to publish again.
    public var kept: [Kept] = []

    static let maximumNodes = 400

    /// A state that knows nothing but an id.
    public init(id: NodeID) {
        self.id = id
    }

    /// For ``init(parsing:)``: bencoded, in a fixed order.
    public var encoded: [UInt8] {
        var sequences: [UInt8] = []
        for floor in floors {
            sequences.append(floor.target)
            sequences.append(bigEndian: UInt64(bitPattern: floor.sequence))
        }
        let v4 = nodes.filter { $0.endpoint.family == .v4 }.flatMap { $0.compact }
        let v6 = nodes.filter { $0.endpoint.family == .v6 }.flatMap { $0.compact }
        var fields: [String: BencodeValue] = [
            "v": 1, "id": .bytes(id.bytes), "nodes": .bytes(v4), "nodes6": .bytes(v6), "seqs": .bytes(sequences),
            "kept": .list(kept.map { $0.encoded }),
        ]
        if let id6 { fields["id6"] = .bytes(id6.bytes) }
        return BencodeValue.dictionary(
            Dictionary(uniqueKeysWithValues: fields.map { (Array($0.key.utf8), $0.value) })
        ).encoded
    }

    /// Nil for anything but a state of this version. An entry that does not verify is left out.
    public init?(parsing bytes: [UInt8]) {
        guard let state = try? Bencode.parse(bytes, mode: .strict), state["v"]?.integer == 1,
            let id = state["id"]?.fixed(NodeID.self)
        else { return nil }
        self.init(id: id)
        id6 = state["id6"]?.fixed(NodeID.self)
        nodes = Contact.list(compact: state["nodes"]?.bytes ?? [], family: .v4, limit: Self.maximumNodes)
        nodes += Contact.list(compact: state["nodes6"]?.bytes ?? [], family: .v6, limit: Self.maximumNodes)
        var reader = ByteReader(state["seqs"]?.bytes ?? [])
        while let target = reader.read(NodeID.self), let sequence = reader.read(UInt64.self) {
            let number = Int64(bitPattern: sequence)
            if number >= 0 { floors.append(Floor(target: target, sequence: number)) }
        }
        kept = (state["kept"]?.list ?? []).compactMap { Kept(parsing: $0) }
    }
}

extension DHTState.Kept {
    fileprivate var encoded: BencodeValue {
        var fields: [String: BencodeValue] = ["own": isOwn ? 1 : 0]
        switch publication {
        case .peer(let infoHash, let port):
            fields["ih"] = .bytes(infoHash.bytes)
            fields["port"] = .integer(Int64(port ?? 0))
        case .immutable(let item): fields["value"] = .bytes(item.value)
        case .mutable(let item):
            fields["value"] = .bytes(item.value)
            fields["k"] = .bytes(item.key.bytes)
            fields["salt"] = .bytes(item.salt)
            fields["seq"] = .integer(item.sequence)
            fields["sig"] = .bytes(item.signature.bytes)
        }
        return .dictionary(fields)
    }

    fileprivate init?(parsing node: BencodeNode) {
        isOwn = node["own"]?.integer == 1
        if let infoHash = node["ih"]?.fixed(Digest160.self) {
            guard let port = node["port"]?.integer.flatMap({ UInt16(exactly: $0) }) else { return nil }
            publication = .peer(infoHash: infoHash, port: port == 0 ? nil : port)
            return
        }
        guard let value = node["value"]?.bytes.map({ Array($0) }) else { return nil }
        guard let key = node["k"]?.fixed(PublicKey.self) else {
            guard let item = try? ImmutableItem(value: value) else { return nil }
            publication = .immutable(item)
            return
        }
        guard let salt = node["salt"]?.bytes, let sequence = node["seq"]?.integer,
            let signature = node["sig"]?.fixed(Signature.self),
            let item = try? MutableItem(
                key: key,
                salt: Array(salt),
                sequence: sequence,
                value: value,
                signature: signature
            )
        else { return nil }
        publication = .mutable(item)
    }
}

extension DHTNode {
    /// What to write to disk now and then, and at the end.
    public var state: DHTState {
        var state = DHTState(id: id)
        if id(.v6) != id { state.id6 = id(.v6) }
        for family in configuration.families.sorted(by: { $0.rawValue < $1.rawValue }) {
            // Nearest buckets last, so they are the ones that fall off a list that is too long.
            let entries = tables[family.rawValue].snapshot.joined().filter { !$0.isBad }
            state.nodes += entries.map { $0.contact }
        }
        state.nodes = Array(state.nodes.prefix(DHTState.maximumNodes))
        state.floors = floors.all.map { DHTState.Floor(target: $0.target, sequence: $0.sequence) }
        state.kept = schedule.entries.values.map { entry in
            DHTState.Kept(publication: entry.publication, isOwn: entry.policy == .own)
        }
        return state
    }

    /// Takes over what an earlier run knew, its id aside, which belongs to ``init(id:configuration:seed:now:)``. To be
    /// called before ``join(through:areRouters:known:now:)``; what was kept is published as soon as nodes are known.
    public mutating func restore(_ state: DHTState, now: Instant) {
        remembered += state.nodes
        for floor in state.floors { floors.raise(floor.target, to: floor.sequence) }
        for kept in state.kept {
            remember(kept.publication, keep: kept.isOwn ? .own : .borrowed, now: now)
        }
    }
}
