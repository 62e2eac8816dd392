// SPDX-License-Identifier: Apache-2.0

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
