// SPDX-License-Identifier: Apache-2.0

/// `roost publish`.
public struct PublishRequest: Equatable, Sendable, Codable {
    /// Absolute path of the folder.
    public var directory: String
    /// An address of an own site; nil takes the folder's marker, or makes a new site where ``new``.
    public var site: String?
    public var new: Bool
    /// The identity that endorses the site, by name.
    public var by: String?
    public var label: String?
    public var message: String?

    public init(
        directory: String,
        site: String? = nil,
        new: Bool = false,
        by: String? = nil,
        label: String? = nil,
        message: String? = nil
    ) {
        self.directory = directory
        self.site = site
        self.new = new
        self.by = by
        self.label = label
        self.message = message
    }
}

public struct PublishResult: Equatable, Sendable, Codable {
    public struct Skipped: Equatable, Sendable, Codable {
        public var path: String
        public var why: String

        public init(path: String, why: String) {
            self.path = path
            self.why = why
        }
    }

    /// `betanet://<64 hex>`.
    public var site: String
    /// The site's public key in hex.
    public var key: String
    /// The BEP 46 magnet link.
    public var magnet: String
    /// Infohashes in hex.
    public var v1: String
    public var v2: String
    public var seq: UInt64
    public var label: String
    public var files: Int
    public var bytes: Int64
    public var skipped: [Skipped]
    public var gateway: String
    /// Bytes that the content store did not have before.
    public var added: Int64
    public var seconds: Double
    /// Of a new site: the file with its recovery kit, which the owner is to move away.
    public var recoveryKit: String?

    public init(
        site: String,
        key: String,
        magnet: String,
        v1: String,
        v2: String,
        seq: UInt64,
        label: String,
        files: Int,
        bytes: Int64,
        skipped: [Skipped],
        gateway: String,
        added: Int64,
        seconds: Double,
        recoveryKit: String? = nil
    ) {
        self.site = site
        self.key = key
        self.magnet = magnet
        self.v1 = v1
        self.v2 = v2
        self.seq = seq
        self.label = label
        self.files = files
        self.bytes = bytes
        self.skipped = skipped
        self.gateway = gateway
        self.added = added
        self.seconds = seconds
        self.recoveryKit = recoveryKit
    }
}

/// `roost fetch`.
public struct FetchRequest: Equatable, Sendable, Codable {
    public var link: String
    /// Absolute path of a folder that is absent or empty; nil only keeps the site in the store.
    public var directory: String?
    /// Peers to dial beside those found, `host:port` each.
    public var peers: [String]
    public var trace: Bool

    public init(link: String, directory: String?, peers: [String] = [], trace: Bool = false) {
        self.link = link
        self.directory = directory
        self.peers = peers
        self.trace = trace
    }
}

public struct FetchResult: Equatable, Sendable, Codable {
    public var site: String
    public var seq: UInt64
    public var label: String
    public var dir: String?
    public var files: Int
    public var bytes: Int64
    /// Bytes received from peers for it, all of them.
    public var received: Int64
    public var seconds: Double
    public var peers: Int
    /// With `--trace`: one line an event.
    public var trace: [String]?

    public init(
        site: String,
        seq: UInt64,
        label: String,
        dir: String?,
        files: Int,
        bytes: Int64,
        received: Int64,
        seconds: Double,
        peers: Int,
        trace: [String]? = nil
    ) {
        self.site = site
        self.seq = seq
        self.label = label
        self.dir = dir
        self.files = files
        self.bytes = bytes
        self.received = received
        self.seconds = seconds
        self.peers = peers
        self.trace = trace
    }
}

/// `roost open`.
public struct OpenResult: Equatable, Sendable, Codable {
    /// The address for a browser.
    public var url: String
    public var site: String
    public var exposed: String

    public init(url: String, site: String, exposed: String) {
        self.url = url
        self.site = site
        self.exposed = exposed
    }
}

/// `roost site list` and `show`.
public struct SiteSummary: Equatable, Sendable, Codable {
    public var site: String
    public var key: String?
    public var title: String
    public var own: Bool
    public var pinned: Bool
    public var withdrawn: Bool
    public var seq: UInt64
    public var label: String
    public var files: Int
    public var bytes: Int64
    /// Of ``bytes``, how many are here.
    public var stored: Int64
    public var gateway: String
    /// Who else was last seen holding it.
    public var replicas: Int
    /// The identities that endorse it, checked: their names in this home, else their ids in hex.
    public var endorsers: [String]?
    /// Their addresses, `host:port` each, where they were asked for.
    public var holders: [String]?
    /// Evidence that its key signed two histories, in words; empty when there is none.
    public var warnings: [String]

    public init(
        site: String,
        key: String?,
        title: String,
        own: Bool,
        pinned: Bool,
        withdrawn: Bool,
        seq: UInt64,
        label: String,
        files: Int,
        bytes: Int64,
        stored: Int64,
        gateway: String,
        replicas: Int,
        endorsers: [String]? = nil,
        warnings: [String]
    ) {
        self.site = site
        self.key = key
        self.title = title
        self.own = own
        self.pinned = pinned
        self.withdrawn = withdrawn
        self.seq = seq
        self.label = label
        self.files = files
        self.bytes = bytes
        self.stored = stored
        self.gateway = gateway
        self.replicas = replicas
        self.endorsers = endorsers
        self.warnings = warnings
    }
}

public struct ReleaseSummary: Equatable, Sendable, Codable {
    public var seq: UInt64
    public var label: String
    public var message: String
    /// The publisher's claim, RFC 3339.
    public var time: String
    public var v1: String
    public var v2: String
    public var files: Int
    public var bytes: Int64
    public var withdrawn: Bool
    /// False for a release of a history that the owner has disowned.
    public var valid: Bool

    public init(
        seq: UInt64,
        label: String,
        message: String,
        time: String,
        v1: String,
        v2: String,
        files: Int,
        bytes: Int64,
        withdrawn: Bool,
        valid: Bool
    ) {
        self.seq = seq
        self.label = label
        self.message = message
        self.time = time
        self.v1 = v1
        self.v2 = v2
        self.files = files
        self.bytes = bytes
        self.withdrawn = withdrawn
        self.valid = valid
    }
}

/// What `roost site` changes.
public enum SiteChange: Equatable, Sendable, Codable {
    case pin
    case unpin
    case remove
    /// Withdraws one release, or the newest where nil.
    case withdraw(sequence: UInt64?)
    case rotate
    /// Takes the site back with its recovery kit.
    case recover(kit: String)
}

/// `roost id list`.
public struct IdentitySummary: Equatable, Sendable, Codable {
    /// What it is called in this home.
    public var name: String
    /// SHA-256 of its first key, in hex: the identity's name for ever.
    public var id: String
    /// Its present root key in hex.
    public var key: String
    /// `file mode only` or `passphrase`.
    public var protection: String
    public var devices: Int

    public init(name: String, id: String, key: String, protection: String, devices: Int) {
        self.name = name
        self.id = id
        self.key = key
        self.protection = protection
        self.devices = devices
    }
}

/// `roost id new`: shown once.
public struct NewIdentity: Equatable, Sendable, Codable {
    public var identity: IdentitySummary
    public var recoveryKit: String

    public init(identity: IdentitySummary, recoveryKit: String) {
        self.identity = identity
        self.recoveryKit = recoveryKit
    }
}

/// What this node will not store, serve or show.
public struct DenyRule: Hashable, Sendable, Codable {
    /// `local` for rules of this user, else the name of a list.
    public var list: String
    /// `site`, `v1`, `v2` or `file`.
    public var subject: String
    /// The hash in hex.
    public var value: String
    public var reason: String

    public init(list: String, subject: String, value: String, reason: String) {
        self.list = list
        self.subject = subject
        self.value = value
        self.reason = reason
    }
}
