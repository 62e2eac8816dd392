// SPDX-License-Identifier: Apache-2.0
internal import Kademlia
internal import Keys
internal import Transport
internal import Wire

/// What the façade shows of the network.
extension NetworkService {
    /// What the router does for us, in a word; nil where it is not asked or has not answered yet.
    var mapping: String? {
        guard let mapper, mapper.hasTried else { return nil }
        let mappings = mapper.mappings
        let parts = [
            Self.words(mappings.filter { $0.pinhole == nil }, "the router forwards"),
            Self.words(mappings.filter { $0.pinhole != nil }, "the router lets through"),
        ]
        let said = parts.compactMap(\.self)
        return said.isEmpty ? "no router forwards the port" : said.joined(separator: "; ")
    }

    private static func words(_ mappings: [PortMapping], _ does: String) -> String? {
        guard let first = mappings.first else { return nil }
        let kinds = mappings.map { $0.transport == .tcp ? "TCP" : "UDP" }.joined(separator: " and ")
        let outside =
            first.externalAddress.map { "\(Endpoint($0, port: first.externalPort))" } ?? "port \(first.externalPort)"
        return "\(does) \(outside), \(kinds), by \(first.method.rawValue)"
    }

    /// Where others reach us, at most one address of each family: as the nodes of the DHT see us (BEP 42), or as the router says
    /// (RFC 6887, UPnP), which knows IPv4's without anybody else.
    func ownAddresses() async -> [IPAddress] {
        let families = localEndpoints.map { $0.family }
        let seen = (try? await dht.inspect { node in families.compactMap { node.address($0) } }) ?? []
        let mapped = mapper?.mappings.compactMap(\.externalAddress) ?? []
        return families.compactMap { family in
            (seen + mapped).first { $0.isV4 == (family == .v4) && $0.isUnicast }
        }
    }

    func status() async -> NodeStatus.Network {
        NodeStatus.Network(
            name: name,
            dhtNodes: await nodeCount,
            dhtNodes6: await nodeCount(of: .v6),
            reachable: (try? await dht.isReachable) ?? false,
            mapping: mapping,
            ipv6: ipv6
        )
    }

    /// Where IPv6 is listened in, or why not, in a word.
    private var ipv6: String {
        if let endpoint = localEndpoints.first(where: { $0.family == .v6 }) { return "\(endpoint)" }
        return absence ?? "off"
    }

    /// Nil where the node is not in that network.
    private func nodeCount(of family: AddressFamily) async -> Int? {
        guard localEndpoints.contains(where: { $0.family == family }) else { return nil }
        return try? await dht.inspect { $0.nodeCount(family) }
    }

    var nodeCount: Int {
        get async { (try? await dht.inspect { $0.nodeCount }) ?? 0 }
    }

    func table() async -> DHTTable {
        let families = localEndpoints.map { $0.family }
        let name = name
        let table = try? await dht.inspect { node in
            let tables = families.map { family in
                let buckets = node.table(family).snapshot.enumerated().map { depth, entries in
                    DHTTable.Bucket(depth: depth, nodes: entries.map { DHTContact($0.contact) })
                }
                return (id: node.id(family).hex, buckets: buckets.filter { !$0.nodes.isEmpty })
            }
            return DHTTable(
                network: name,
                id: tables[0].id,
                buckets: tables[0].buckets,
                id6: tables.count > 1 ? tables[1].id : nil,
                buckets6: tables.count > 1 ? tables[1].buckets : nil,
                items: node.itemCount,
                announces: node.peerCount
            )
        }
        return table ?? DHTTable(network: name, id: "", buckets: [], items: 0, announces: 0)
    }

    /// Whom this node holds a record of, by peer id.
    func members() async -> [NetworkMember] {
        let own = try? context.keys.peerID(network: name)
        let records = (try? await dht.zoneRecords()) ?? []
        return records.map { NetworkMember($0, network: name, isOwn: $0.peerID == own) }.sorted { $0.peer < $1.peer }
    }

    func find(_ text: String) async throws(NodeError) -> DHTFindResult {
        let target = try Self.target(text)
        let found = try await findNode(target)
        return DHTFindResult(
            nodes: found.closest.map { DHTContact($0, target: target) },
            path: found.path.map { DHTContact($0, target: target) }
        )
    }

    func get(_ query: DHTItemQuery) async throws(NodeError) -> DHTItemResult {
        switch (query.target, query.key) {
        case (let target?, nil):
            guard let (value, nodes) = try await immutableItem(Self.target(target)) else { throw Self.notFound }
            return DHTItemResult(value: Hex.encode(value), seq: nil, signature: nil, nodes: nodes)
        case (nil, let text?):
            guard let bytes = Hex.decode(text), let key = PublicKey(bytes) else {
                throw NodeError(.usage, "'\(text)' is no public key", remedy: "Give its 64 hex digits.")
            }
            let salt = try Self.salt(query.salt)
            guard let (item, nodes) = try await mutableItem(key: key, salt: salt) else { throw Self.notFound }
            return DHTItemResult(
                value: Hex.encode(item.value),
                seq: item.sequence,
                signature: Hex.encode(item.signature.bytes),
                nodes: nodes
            )
        default:
            throw NodeError(.usage, "an item has either a target or a key", remedy: "Give one of the two.")
        }
    }

    func put(_ request: DHTPutRequest) async throws(NodeError) -> DHTPutResult {
        guard let name = request.by else { return try await put(request.value, by: nil, salt: request.salt) }
        let keys = context.keys
        let key = try await context.blocking.run { () throws -> SigningKey in
            try keys.identityKeys(of: try keys.knownIdentity(name)).rootKey
        }
        return try await put(request.value, by: key, salt: request.salt)
    }

    /// `key`: signs a mutable item; without it the item is immutable.
    func put(_ text: String, by key: SigningKey?, salt: String?) async throws(NodeError) -> DHTPutResult {
        let value = BencodeValue.string(text).encoded
        guard let key else {
            guard salt == nil else {
                throw NodeError(.usage, "only a signed item has a salt", remedy: "Add --by, or leave --salt away.")
            }
            let (target, nodes) = try await put(immutable: value)
            return DHTPutResult(target: target.hex, key: nil, seq: nil, nodes: nodes)
        }
        let (item, nodes) = try await update(with: key, salt: try Self.salt(salt), value: value)
        return DHTPutResult(
            target: item.target.hex,
            key: Hex.encode(item.key.bytes),
            seq: item.sequence,
            nodes: nodes
        )
    }

    // MARK: Words

    private static func target(_ text: String) throws(NodeError) -> NodeID {
        guard let target = NodeID(hex: text) else {
            throw NodeError(.usage, "'\(text)' is no target in the DHT", remedy: "Give its 40 hex digits.")
        }
        return target
    }

    private static func salt(_ text: String?) throws(NodeError) -> [UInt8] {
        guard let text else { return [] }
        guard let salt = Hex.decode(text), salt.count <= DHTSpecification.maximumSalt else {
            throw NodeError(.usage, "'\(text)' is no salt", remedy: "Give at most 64 bytes in hex.")
        }
        return salt
    }

    private static var notFound: NodeError {
        NodeError(
            .unavailable,
            "no node of the DHT holds this item",
            remedy: "Check the name; items expire when nobody puts them again for two hours."
        )
    }
}

extension DHTContact {
    init(_ contact: Contact, target: NodeID? = nil) {
        self.init(
            id: contact.id.hex,
            address: contact.endpoint.description,
            distance: target.map { (contact.id ^ $0).hex }
        )
    }
}
