// SPDX-License-Identifier: Apache-2.0

/// `roost status`.
public struct NodeStatus: Equatable, Sendable, Codable {
    /// One overlay that the node takes part in.
    public struct Network: Equatable, Sendable, Codable {
        /// `mainline`, or the name of another network.
        public var name: String
        /// Nodes in its routing tables, of IPv4 and IPv6 together.
        public var dhtNodes: Int
        /// Those of IPv6 among them; nil where the node does not listen in IPv6.
        public var dhtNodes6: Int?
        /// Whether a stranger asked this node something in the last half hour, unasked.
        public var reachable: Bool

        /// What the router does for this node, in words; nil where it is not asked.
        public var mapping: String?
        /// Where IPv6 is listened in, or in words why it is not.
        public var ipv6: String?

        /// Takes each value as it is.
        public init(
            name: String,
            dhtNodes: Int,
            dhtNodes6: Int? = nil,
            reachable: Bool,
            mapping: String? = nil,
            ipv6: String? = nil
        ) {
            self.name = name
            self.dhtNodes = dhtNodes
            self.dhtNodes6 = dhtNodes6
            self.reachable = reachable
            self.mapping = mapping
            self.ipv6 = ipv6
        }
    }

    /// A torrent that is served or fetched.
    public struct Torrent: Equatable, Sendable, Codable {
        /// The site's title, or the torrent's own name.
        public var name: String
        /// The v1 infohash in hex, 40 digits.
        public var v1: String?
        /// The v2 infohash in hex, 64 digits.
        public var v2: String?
        /// 0 to 1.
        public var progress: Double
        /// `fetching metadata`, `fetching`, `reading` (a page, not the whole), `serving what was read`, `seeding`.
        public var state: String
        /// Peers connected now.
        public var peers: Int
        /// Bytes received and sent since the start.
        public var down: Int64
        /// Bytes sent since the start.
        public var up: Int64
        /// What waits in it, each with its bound.
        public var queues: [Queue]?

        /// One queue: how full it is, and how full it can be.
        public struct Queue: Equatable, Sendable, Codable {
            /// What waits, such as `dials` or `bytes read ahead`.
            public var name: String
            /// How many, or bytes.
            public var used: Int
            /// Never exceeded, but by one piece or message where one must always pass.
            public var bound: Int

            /// Takes each value as it is.
            public init(name: String, used: Int, bound: Int) {
                self.name = name
                self.used = used
                self.bound = bound
            }
        }

        /// Takes each value as it is.
        public init(
            name: String,
            v1: String?,
            v2: String?,
            progress: Double,
            state: String,
            peers: Int,
            down: Int64,
            up: Int64,
            queues: [Queue]? = nil
        ) {
            self.name = name
            self.v1 = v1
            self.v2 = v2
            self.progress = progress
            self.state = state
            self.peers = peers
            self.down = down
            self.up = up
            self.queues = queues
        }
    }

    /// The multihash of the node's key, in hex.
    public var peerID: String
    /// Of the program.
    public var version: String
    /// The number of the process.
    public var pid: Int32
    /// Where peers reach it: `host:port`, each.
    public var listen: [String]
    /// Where sites are shown: `http://host:port/`.
    public var gateway: String
    /// Where the control API and the home page answer: `http://host:port/`.
    public var control: String
    /// Seconds.
    public var uptime: Double
    /// The overlays that it takes part in.
    public var networks: [Network]
    /// How many sites are known here: own, pinned and read.
    public var sites: Int
    /// All that are served or fetched now.
    public var torrents: [Torrent]
    /// Resident bytes.
    public var memory: Int64
    /// What is given back: `own`, `while-open` or `quota`.
    public var serve: String
    /// One plain sentence on what others can see, for example "visible to anyone in 3 swarms: your address".
    public var exposed: String
    /// What the line and the router are spared.
    public var limits: Limits?
    /// What waits in the node beside its torrents, each with its bound.
    public var queues: [Torrent.Queue]?

    /// Rates in bytes a second, 0 for as fast as it goes; and connections.
    public struct Limits: Equatable, Sendable, Codable {
        /// Of all torrents together.
        public var download: Int
        /// Of all torrents together.
        public var upload: Int
        /// Of each torrent.
        public var torrentDownload: Int
        /// Of each torrent.
        public var torrentUpload: Int
        /// Of the torrents of one network together.
        public var networkDownload: Int
        /// Of the torrents of one network together.
        public var networkUpload: Int
        /// Connections to peers.
        public var peers: Int
        /// Connections to peers in the making.
        public var dials: Int
        /// Queries of the DHT a second.
        public var dhtQueries: Int

        /// What a configuration says.
        public init(_ configuration: NodeConfiguration) {
            let limits = configuration.limits
            download = limits.everything.download ?? 0
            upload = limits.everything.upload ?? 0
            torrentDownload = limits.torrent.download ?? 0
            torrentUpload = limits.torrent.upload ?? 0
            networkDownload = limits.network.download ?? 0
            networkUpload = limits.network.upload ?? 0
            peers = limits.maximumPeers
            dials = limits.maximumDials
            dhtQueries = configuration.dhtQueries
        }
    }

    /// Takes each value as it is.
    public init(
        peerID: String,
        version: String,
        pid: Int32,
        listen: [String],
        gateway: String,
        control: String,
        uptime: Double,
        networks: [Network],
        sites: Int,
        torrents: [Torrent],
        memory: Int64,
        serve: String,
        exposed: String,
        limits: Limits? = nil,
        queues: [Torrent.Queue]? = nil
    ) {
        self.limits = limits
        self.queues = queues
        self.peerID = peerID
        self.version = version
        self.pid = pid
        self.listen = listen
        self.gateway = gateway
        self.control = control
        self.uptime = uptime
        self.networks = networks
        self.sites = sites
        self.torrents = torrents
        self.memory = memory
        self.serve = serve
        self.exposed = exposed
    }
}
