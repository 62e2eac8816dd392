// SPDX-License-Identifier: Apache-2.0

/// `roost peers`.
public struct PeerSummary: Equatable, Sendable, Codable {
    public var address: String
    public var client: String
    /// The torrent or site it is connected for.
    public var swarm: String
    /// 0 to 1.
    public var progress: Double
    public var down: Int64
    public var up: Int64
    public var incoming: Bool

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

public struct DHTContact: Equatable, Sendable, Codable {
    public var id: String
    public var address: String
    /// Of `dht find`: the XOR distance to the target in hex.
    public var distance: String?

    public init(id: String, address: String, distance: String? = nil) {
        self.id = id
        self.address = address
        self.distance = distance
    }
}

/// `roost dht table`.
public struct DHTTable: Equatable, Sendable, Codable {
    public struct Bucket: Equatable, Sendable, Codable {
        /// How many leading bits its nodes share with ours.
        public var depth: Int
        public var nodes: [DHTContact]

        public init(depth: Int, nodes: [DHTContact]) {
            self.depth = depth
            self.nodes = nodes
        }
    }

    public var network: String
    public var id: String
    public var buckets: [Bucket]
    /// Items and announces stored for others.
    public var items: Int
    public var announces: Int

    public init(network: String, id: String, buckets: [Bucket], items: Int, announces: Int) {
        self.network = network
        self.id = id
        self.buckets = buckets
        self.items = items
        self.announces = announces
    }
}

/// An immutable item by target, or a mutable one by key and salt; hex each.
public struct DHTItemQuery: Equatable, Sendable, Codable {
    public var target: String?
    public var key: String?
    public var salt: String?

    public init(target: String? = nil, key: String? = nil, salt: String? = nil) {
        self.target = target
        self.key = key
        self.salt = salt
    }
}

public struct DHTItemResult: Equatable, Sendable, Codable {
    /// The bencoded value in hex, as received.
    public var value: String
    public var seq: Int64?
    public var signature: String?
    /// How many nodes answered with it.
    public var nodes: Int

    public init(value: String, seq: Int64?, signature: String?, nodes: Int) {
        self.value = value
        self.seq = seq
        self.signature = signature
        self.nodes = nodes
    }
}

/// Text to store; mutable where a site or identity of this node signs it.
public struct DHTPutRequest: Equatable, Sendable, Codable {
    public var value: String
    /// The name of an identity here; nil for an immutable item.
    public var by: String?
    public var salt: String?

    public init(value: String, by: String? = nil, salt: String? = nil) {
        self.value = value
        self.by = by
        self.salt = salt
    }
}

public struct DHTPutResult: Equatable, Sendable, Codable {
    public var target: String
    public var key: String?
    public var seq: Int64?
    /// How many nodes stored it.
    public var nodes: Int

    public init(target: String, key: String?, seq: Int64?, nodes: Int) {
        self.target = target
        self.key = key
        self.seq = seq
        self.nodes = nodes
    }
}
