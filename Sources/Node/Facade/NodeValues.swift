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

    public init(stage: String, done: Int64, total: Int64?, unit: String = "bytes") {
        self.stage = stage
        self.done = done
        self.total = total
        self.unit = unit
    }
}

/// `roost status`.
public struct NodeStatus: Equatable, Sendable, Codable {
    public struct Network: Equatable, Sendable, Codable {
        public var name: String
        public var dhtNodes: Int
        public var reachable: Bool

        public init(name: String, dhtNodes: Int, reachable: Bool) {
            self.name = name
            self.dhtNodes = dhtNodes
            self.reachable = reachable
        }
    }

    public struct Torrent: Equatable, Sendable, Codable {
        public var name: String
        public var v1: String?
        public var v2: String?
        /// 0 to 1.
        public var progress: Double
        public var state: String
        public var peers: Int
        /// Bytes received and sent since the start.
        public var down: Int64
        public var up: Int64

        public init(
            name: String,
            v1: String?,
            v2: String?,
            progress: Double,
            state: String,
            peers: Int,
            down: Int64,
            up: Int64
        ) {
            self.name = name
            self.v1 = v1
            self.v2 = v2
            self.progress = progress
            self.state = state
            self.peers = peers
            self.down = down
            self.up = up
        }
    }

    public var peerID: String
    public var version: String
    public var pid: Int32
    /// Where peers reach it: `host:port`, each.
    public var listen: [String]
    public var gateway: String
    public var control: String
    /// Seconds.
    public var uptime: Double
    public var networks: [Network]
    public var sites: Int
    public var torrents: [Torrent]
    /// Resident bytes.
    public var memory: Int64
    public var serve: String
    /// One plain sentence on what others can see, for example "visible to anyone in 3 swarms: your address".
    public var exposed: String

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
    public struct Finding: Equatable, Sendable, Codable {
        /// `ok`, `repaired`, `problem`.
        public var state: String
        public var what: String
        public var remedy: String?

        public init(state: String, what: String, remedy: String? = nil) {
            self.state = state
            self.what = what
            self.remedy = remedy
        }
    }

    public var healthy: Bool
    public var findings: [Finding]

    public init(healthy: Bool, findings: [Finding]) {
        self.healthy = healthy
        self.findings = findings
    }
}

/// `roost why`: each stage from the name to the page.
public struct WhyReport: Equatable, Sendable, Codable {
    public struct Stage: Equatable, Sendable, Codable {
        /// `name`, `key`, `release`, `peers`, `blocks`, `page`.
        public var stage: String
        public var ok: Bool
        /// Seconds.
        public var seconds: Double
        public var detail: String
        public var remedy: String?
        /// Of the error, where the stage failed.
        public var kind: NodeError.Kind?

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

    public var url: String
    public var ok: Bool
    public var stages: [Stage]

    public init(url: String, ok: Bool, stages: [Stage]) {
        self.url = url
        self.ok = ok
        self.stages = stages
    }
}

/// A key and its effective value.
public struct ConfigurationEntry: Equatable, Sendable, Codable {
    public var key: String
    public var value: String
    /// `default`, `file`, `environment` or `flag`.
    public var source: String

    public init(key: String, value: String, source: String) {
        self.key = key
        self.value = value
        self.source = source
    }
}
