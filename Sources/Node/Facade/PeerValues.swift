// SPDX-License-Identifier: Apache-2.0

/// `roost peers`.
public struct PeerSummary: Equatable, Sendable, Codable {
    /// `host:port`.
    public var address: String
    /// The program's name, by its own words; empty where it told none.
    public var client: String
    /// The torrent or site it is connected for.
    public var swarm: String
    /// 0 to 1.
    public var progress: Double
    /// Bytes received from it.
    public var down: Int64
    /// Bytes sent to it.
    public var up: Int64
    /// True where it dialled us.
    public var incoming: Bool

    /// Takes each value as it is.
    public init(
        address: String,
        client: String,
        swarm: String,
        progress: Double,
        down: Int64,
        up: Int64,
        incoming: Bool
    ) {
        self.address = address
        self.client = client
        self.swarm = swarm
        self.progress = progress
        self.down = down
        self.up = up
        self.incoming = incoming
    }
}

/// A node of the DHT.
public struct DHTContact: Equatable, Sendable, Codable {
    /// 160 bits in hex, 40 digits.
    public var id: String
    /// `host:port`.
    public var address: String
    /// Of `dht find`: the XOR distance to the target in hex.
    public var distance: String?

    /// Takes each value as it is.
    public init(id: String, address: String, distance: String? = nil) {
        self.id = id
        self.address = address
        self.distance = distance
    }
}

/// `roost dht find`.
public struct DHTFindResult: Equatable, Sendable, Codable {
    /// The closest nodes, closest first: at most k.
    public var nodes: [DHTContact]
    /// From the first node asked to the closest one found: each was named by the one before and is closer.
    public var path: [DHTContact]

    /// Takes each value as it is.
    public init(nodes: [DHTContact], path: [DHTContact]) {
        self.nodes = nodes
        self.path = path
    }
}

/// `roost dht table`.
public struct DHTTable: Equatable, Sendable, Codable {
    /// Nodes at one distance.
    public struct Bucket: Equatable, Sendable, Codable {
        /// How many leading bits its nodes share with ours.
        public var depth: Int
        /// At most k = 8, the longest known first.
        public var nodes: [DHTContact]

        /// Takes each value as it is.
        public init(depth: Int, nodes: [DHTContact]) {
            self.depth = depth
            self.nodes = nodes
        }
    }

    /// The network that the table is of.
    public var network: String
    /// The node's own id in hex.
    public var id: String
    /// Those that hold nodes, the farthest first: of IPv4, where the node is in both networks.
    public var buckets: [Bucket]
    /// The id in the network of IPv6 beside that of IPv4; nil where the node is in one alone.
    public var id6: String?
    /// The table of that network.
    public var buckets6: [Bucket]?
    /// Items and announces stored for others.
    public var items: Int
    /// Peers stored for others.
    public var announces: Int

    /// Takes each value as it is.
    public init(
        network: String,
        id: String,
        buckets: [Bucket],
        id6: String? = nil,
        buckets6: [Bucket]? = nil,
        items: Int,
        announces: Int
    ) {
        self.network = network
        self.id = id
        self.buckets = buckets
        self.id6 = id6
        self.buckets6 = buckets6
        self.items = items
        self.announces = announces
    }
}

/// An immutable item by target, or a mutable one by key and salt; hex each.
public struct DHTItemQuery: Equatable, Sendable, Codable {
    /// Of an immutable item: SHA-1 of its value, 40 digits.
    public var target: String?
    /// Of a mutable item: the public key, 64 digits.
    public var key: String?
    /// Of a mutable item that has one: at most 64 bytes.
    public var salt: String?

    /// Takes each value as it is.
    public init(target: String? = nil, key: String? = nil, salt: String? = nil) {
        self.target = target
        self.key = key
        self.salt = salt
    }
}

/// An item as the network holds it, its hash or signature checked.
public struct DHTItemResult: Equatable, Sendable, Codable {
    /// The bencoded value in hex, as received.
    public var value: String
    /// Of a mutable item: the highest sequence number found.
    public var seq: Int64?
    /// Of a mutable item: in hex, 128 digits.
    public var signature: String?
    /// How many nodes answered with it.
    public var nodes: Int

    /// Takes each value as it is.
    public init(value: String, seq: Int64?, signature: String?, nodes: Int) {
        self.value = value
        self.seq = seq
        self.signature = signature
        self.nodes = nodes
    }
}

/// Text to store; mutable where a site or identity of this node signs it.
public struct DHTPutRequest: Equatable, Sendable, Codable {
    /// Stored as a byte string of at most 996 bytes.
    public var value: String
    /// The name of an identity here; nil for an immutable item.
    public var by: String?
    /// Text that keeps several items of one key apart, at most 64 bytes.
    public var salt: String?

    /// Takes each value as it is.
    public init(value: String, by: String? = nil, salt: String? = nil) {
        self.value = value
        self.by = by
        self.salt = salt
    }
}

/// Where an item was stored.
public struct DHTPutResult: Equatable, Sendable, Codable {
    /// The address of the item in hex, 40 digits.
    public var target: String
    /// Of a mutable item: the public key in hex.
    public var key: String?
    /// Of a mutable item: its sequence number.
    public var seq: Int64?
    /// How many nodes stored it.
    public var nodes: Int

    /// Takes each value as it is.
    public init(target: String, key: String?, seq: Int64?, nodes: Int) {
        self.target = target
        self.key = key
        self.seq = seq
        self.nodes = nodes
    }
}
