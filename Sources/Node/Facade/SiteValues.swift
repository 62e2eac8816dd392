// SPDX-License-Identifier: Apache-2.0

/// `roost publish`.
public struct PublishRequest: Equatable, Sendable, Codable {
    /// Absolute path of the folder.
    public var directory: String
    /// An address of an own site; nil takes the folder's marker, or makes a new site where ``new``.
    public var site: String?
    /// Makes a new site, even where the folder names one.
    public var new: Bool
    /// The identity that endorses the site, by name.
    public var by: String?
    /// The release's name, for example `1.2.3`; nil counts on from the last.
    public var label: String?
    /// What changed, for readers of the history.
    public var message: String?

    /// Takes each value as it is.
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

/// The release that now stands, and how to reach it.
public struct PublishResult: Equatable, Sendable, Codable {
    /// An entry of the folder that is not part of the release.
    public struct Skipped: Equatable, Sendable, Codable {
        /// Relative to the folder.
        public var path: String
        /// For example that a link leaves the folder.
        public var why: String

        /// Takes each value as it is.
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
    /// Of the v2 torrent: 64 digits.
    public var v2: String
    /// The release's number, from 1.
    public var seq: UInt64
    /// Its name.
    public var label: String
    /// In the release.
    public var files: Int
    /// All files together.
    public var bytes: Int64
    /// What was left out, and why; at most some thousand entries.
    public var skipped: [Skipped]
    /// The address for this machine's browser.
    public var gateway: String
    /// Bytes that the content store did not have before.
    public var added: Int64
    /// From the request to the durable release.
    public var seconds: Double
    /// Of a new site: the file with its recovery kit, which the owner is to move away.
    public var recoveryKit: String?

    /// Takes each value as it is.
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
    /// Any address of a site or tree.
    public var link: String
    /// Absolute path of a folder that is absent or empty; nil only keeps the site in the store.
    public var directory: String?
    /// Peers to dial beside those found, `host:port` each.
    public var peers: [String]
    /// Whether the result tells each event.
    public var trace: Bool

    /// Takes each value as it is.
    public init(link: String, directory: String?, peers: [String] = [], trace: Bool = false) {
        self.link = link
        self.directory = directory
        self.peers = peers
        self.trace = trace
    }
}

/// What came, and at what cost.
public struct FetchResult: Equatable, Sendable, Codable {
    /// Its address.
    public var site: String
    /// The release's number.
    public var seq: UInt64
    /// Its name.
    public var label: String
    /// The folder that was written; nil where the site was only kept.
    public var dir: String?
    /// In the release.
    public var files: Int
    /// All files together.
    public var bytes: Int64
    /// Bytes received from peers for it, all of them.
    public var received: Int64
    /// From the request to the last file.
    public var seconds: Double
    /// How many gave something.
    public var peers: Int
    /// Paths of the site that the folder has under another name, since not every system allows them; nil where none has.
    public var renamed: [String]?
    /// With `--trace`: one line an event.
    public var trace: [String]?

    /// Takes each value as it is.
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
        renamed: [String]? = nil,
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
        self.renamed = renamed
        self.trace = trace
    }
}

/// `roost open`.
public struct OpenResult: Equatable, Sendable, Codable {
    /// The address for a browser.
    public var url: String
    /// Its address.
    public var site: String
    /// One plain sentence on what others can see.
    public var exposed: String

    /// Takes each value as it is.
    public init(url: String, site: String, exposed: String) {
        self.url = url
        self.site = site
        self.exposed = exposed
    }
}

/// `roost site list` and `show`.
public struct SiteSummary: Equatable, Sendable, Codable {
    /// Its address, `betanet://…`.
    public var site: String
    /// Its public key in hex, once known.
    public var key: String?
    /// What the folder was called when it was published here; else the beginning of the site's id.
    public var title: String
    /// Whether its key is here.
    public var own: Bool
    /// Kept whole, whatever the quota.
    public var pinned: Bool
    /// True where its owner withdrew every release.
    public var withdrawn: Bool
    /// Of the newest release; 0 where none is known.
    public var seq: UInt64
    /// Of the newest release.
    public var label: String
    /// In the newest release.
    public var files: Int
    /// In the newest release.
    public var bytes: Int64
    /// Of ``bytes``, how many are here.
    public var stored: Int64
    /// The address for this machine's browser.
    public var gateway: String
    /// Who else was last seen holding it.
    public var replicas: Int
    /// The identities that endorse it, checked: their names in this home, else their ids in hex.
    public var endorsers: [String]?
    /// Their addresses, `host:port` each, where they were asked for.
    public var holders: [String]?
    /// Evidence that its key signed two histories, in words; empty when there is none.
    public var warnings: [String]

    /// Takes each value as it is.
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

/// One release of a site's history.
public struct ReleaseSummary: Equatable, Sendable, Codable {
    /// From 1, one more for each.
    public var seq: UInt64
    /// Its name.
    public var label: String
    /// What changed, in the publisher's words.
    public var message: String
    /// The publisher's claim, RFC 3339.
    public var time: String
    /// Infohash in hex; empty where the release has no v1 twin.
    public var v1: String
    /// Infohash in hex.
    public var v2: String
    /// How many.
    public var files: Int
    /// All files together.
    public var bytes: Int64
    /// Whether its owner took it back.
    public var withdrawn: Bool
    /// False for a release of a history that the owner has disowned.
    public var valid: Bool

    /// Takes each value as it is.
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
    /// How many may act for it.
    public var devices: Int

    /// Takes each value as it is.
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
    /// What was made.
    public var identity: IdentitySummary
    /// The text that takes the identity back after a theft; it is stored nowhere.
    public var recoveryKit: String

    /// Takes each value as it is.
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
    /// In the words of whoever made the rule.
    public var reason: String

    /// Takes each value as it is.
    public init(list: String, subject: String, value: String, reason: String) {
        self.list = list
        self.subject = subject
        self.value = value
        self.reason = reason
    }
}
