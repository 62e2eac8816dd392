// SPDX-License-Identifier: Apache-2.0

/// How far a long call is. Sent at most ten times a second.
public struct NodeProgress: Equatable, Sendable, Codable {
    /// `hashing`, `storing`, `announcing`, `finding peers`, `fetching`, `writing`, `checking`.
    public var stage: String
    /// Of ``total`` in ``unit``.
    public var done: Int64
    /// Nil while not yet known.
    public var total: Int64?
    /// `bytes` or `files`.
    public var unit: String

    /// Takes each value as it is.
    public init(stage: String, done: Int64, total: Int64?, unit: String = "bytes") {
        self.stage = stage
        self.done = done
        self.total = total
        self.unit = unit
    }
}

/// `roost status`.
public struct NodeStatus: Equatable, Sendable, Codable {
    /// One overlay that the node takes part in.
    public struct Network: Equatable, Sendable, Codable {
        /// `mainline`, or the name of another network.
        public var name: String
        /// Nodes in its routing table.
        public var dhtNodes: Int
        /// Whether a stranger asked this node something in the last half hour, unasked.
        public var reachable: Bool

        /// What the router does for this node, in words; nil where it is not asked.
        public var mapping: String?

        /// Takes each value as it is.
        public init(name: String, dhtNodes: Int, reachable: Bool, mapping: String? = nil) {
            self.name = name
            self.dhtNodes = dhtNodes
            self.reachable = reachable
            self.mapping = mapping
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
        exposed: String
    ) {
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

/// One finding of `roost doctor`.
public struct DoctorReport: Equatable, Sendable, Codable {
    /// One thing that was looked at.
    public struct Finding: Equatable, Sendable, Codable {
        /// `ok`, `repaired`, `problem`.
        public var state: String
        /// What was found, in one sentence.
        public var what: String
        /// What to do about it; nil where nothing is to be done.
        public var remedy: String?

        /// Takes each value as it is.
        public init(state: String, what: String, remedy: String? = nil) {
            self.state = state
            self.what = what
            self.remedy = remedy
        }
    }

    /// True where no finding is a problem that is left.
    public var healthy: Bool
    /// In the order of looking.
    public var findings: [Finding]

    /// Takes each value as it is.
    public init(healthy: Bool, findings: [Finding]) {
        self.healthy = healthy
        self.findings = findings
    }
}

/// `roost why`: each stage from the name to the page.
public struct WhyReport: Equatable, Sendable, Codable {
    /// One step on the way from the address to the page.
    public struct Stage: Equatable, Sendable, Codable {
        /// `name`, `key`, `release`, `peers`, `blocks`, `page`.
        public var stage: String
        /// Whether the step succeeded.
        public var ok: Bool
        /// Seconds.
        public var seconds: Double
        /// What was seen, for a person.
        public var detail: String
        /// What to do about it, where the step failed.
        public var remedy: String?
        /// Of the error, where the stage failed.
        public var kind: NodeError.Kind?

        /// Takes each value as it is.
        public init(
            stage: String,
            ok: Bool,
            seconds: Double,
            detail: String,
            remedy: String? = nil,
            kind: NodeError.Kind? = nil
        ) {
            self.stage = stage
            self.ok = ok
            self.seconds = seconds
            self.detail = detail
            self.remedy = remedy
            self.kind = kind
        }
    }

    /// The address as it was asked for.
    public var url: String
    /// True where every stage succeeded.
    public var ok: Bool
    /// As far as they were tried, in order; the last may be the one that failed.
    public var stages: [Stage]

    /// Takes each value as it is.
    public init(url: String, ok: Bool, stages: [Stage]) {
        self.url = url
        self.ok = ok
        self.stages = stages
    }
}

/// A key and its effective value.
public struct ConfigurationEntry: Equatable, Sendable, Codable {
    /// As in `config.toml`.
    public var key: String
    /// As text; a secret is a placeholder.
    public var value: String
    /// `default`, `file`, `environment` or `flag`.
    public var source: String

    /// Takes each value as it is.
    public init(key: String, value: String, source: String) {
        self.key = key
        self.value = value
        self.source = source
    }
}
