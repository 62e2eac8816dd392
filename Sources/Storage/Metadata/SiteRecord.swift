// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import GRDB
public import Keys
public import Wire

/// A site that this node has to do with.
public struct SiteRecord: Equatable, Sendable {
    /// SHA-256 of the site key.
    public var id: Digest256
    /// Nil until a holder has shown it.
    public var key: PublicKey?
    /// The salt of its item in the DHT; most have none.
    public var salt: [UInt8]
    /// For people: the folder's name, or what the reader calls it.
    public var title: String
    /// The folder it was last published from.
    public var folder: String?
    /// The name of its key in the key store, where it is published here.
    public var keyName: String?
    /// Published here: the key is in the key store.
    public var isOwn: Bool
    /// Everything of the newest release is held and never evicted.
    public var isPinned: Bool
    /// Looked for new releases without being opened.
    public var isFollowed: Bool
    /// Seconds since 1970.
    public var addedAt: Int64
    /// When a reader asked for it last, in seconds since 1970; 0 for never.
    public var openedAt: Int64

    /// A site that is only known, unless more is said.
    public init(
        id: Digest256,
        key: PublicKey? = nil,
        salt: [UInt8] = [],
        title: String = "",
        folder: String? = nil,
        keyName: String? = nil,
        isOwn: Bool = false,
        isPinned: Bool = false,
        isFollowed: Bool = false,
        addedAt: Int64,
        openedAt: Int64 = 0
    ) {
        self.id = id
        self.key = key
        self.salt = salt
        self.title = title
        self.folder = folder
        self.keyName = keyName
        self.isOwn = isOwn
        self.isPinned = isPinned
        self.isFollowed = isFollowed
        self.addedAt = addedAt
        self.openedAt = openedAt
    }
}

/// Proof that something is wrong with a site: two values signed for one number, a forked log.
public struct Evidence: Equatable, Sendable {
    /// The site's id.
    public var site: Digest256
    /// `equivocation`, `fork`, `rollback`: what the bytes prove.
    public var kind: String
    /// The values themselves, for everybody to check.
    public var bytes: [UInt8]
    /// Seconds since 1970.
    public var foundAt: Int64

    /// Nothing is checked here: who found it has.
    public init(site: Digest256, kind: String, bytes: [UInt8], foundAt: Int64) {
        self.site = site
        self.kind = kind
        self.bytes = bytes
        self.foundAt = foundAt
    }
}

extension MetadataConnection {
    private func siteRecord(_ row: Row) throws -> SiteRecord {
        SiteRecord(
            id: try Self.fixed(row, "id"),
            key: try Self.optional(row, "key"),
            salt: Self.bytes(row, "salt") ?? [],
            title: try Self.text(row, "title"),
            folder: row["folder"],
            keyName: row["keyName"],
            isOwn: try Self.bool(row, "isOwn"),
            isPinned: try Self.bool(row, "isPinned"),
            isFollowed: try Self.bool(row, "isFollowed"),
            addedAt: try Self.integer(row, "addedAt"),
            openedAt: try Self.integer(row, "openedAt")
        )
    }

    /// All sites, the oldest first.
    public func sites() throws -> [SiteRecord] {
        try rows("SELECT * FROM site ORDER BY addedAt, id", [], siteRecord)
    }

    /// What is known of that site; nil where nothing is.
    public func site(_ id: Digest256) throws -> SiteRecord? {
        try row("SELECT * FROM site WHERE id = ?", [id.data], siteRecord)
    }

    /// Adds the site or replaces what is known of it.
    public func save(_ site: SiteRecord) throws {
        try execute(
            """
            INSERT OR REPLACE INTO site (id, key, salt, title, folder, keyName, isOwn, isPinned, isFollowed, addedAt, openedAt)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                site.id.data, site.key?.data, Data(site.salt), site.title, site.folder, site.keyName, site.isOwn,
                site.isPinned, site.isFollowed, site.addedAt, site.openedAt,
            ]
        )
    }

    /// Forgets the site, its releases, feed and wants. The highest head and evidence stay: what was refused once must
    /// be refused again after it is added anew.
    public func removeSite(_ id: Digest256) throws {
        for (table, column) in [
            ("site", "id"), ("feed", "site"), ("release", "site"), ("directoryNode", "site"), ("want", "site"),
        ] {
            try execute("DELETE FROM \(table) WHERE \(column) = ?", [id.data])
        }
        try removeUnusedChunks()
    }

    // MARK: Feeds

    /// The feed as `SiteFeed.encoded` gave it.
    public func feed(of site: Digest256) throws -> [UInt8]? {
        try row("SELECT encoded FROM feed WHERE site = ?", [site.data]) { Self.bytes($0, "encoded") ?? [] }
    }

    /// Replaces the feed: `encoded` as `SiteFeed.encoded` gave it.
    public func saveFeed(_ encoded: [UInt8], of site: Digest256) throws {
        try execute("INSERT OR REPLACE INTO feed (site, encoded) VALUES (?, ?)", [site.data, Data(encoded)])
    }

    /// Forgets a feed that does not prove itself, so that it is got again. The highest head stays.
    public func removeFeed(of site: Digest256) throws { try execute("DELETE FROM feed WHERE site = ?", [site.data]) }

    /// The highest head ever accepted, which no later one may undercut; nil for a site never met.
    public func highestHead(of site: Digest256) throws -> (size: Int64, bytes: [UInt8])? {
        try row("SELECT size, bytes FROM highestHead WHERE site = ?", [site.data]) {
            (try Self.integer($0, "size"), Self.bytes($0, "bytes") ?? [])
        }
    }

    /// Whether a head supersedes another is for the feed to judge: a recovery may lead to a shorter log.
    public func saveHighestHead(_ bytes: [UInt8], size: Int64, of site: Digest256) throws {
        try execute(
            "INSERT OR REPLACE INTO highestHead (site, size, bytes) VALUES (?, ?, ?)",
            [site.data, size, Data(bytes)]
        )
    }

    /// The most pieces of evidence kept for one site: who forges many proves no more by it.
    public static let maximumEvidence = 64

    /// What is known against that site, the oldest first, at most ``maximumEvidence``.
    public func evidence(against site: Digest256) throws -> [Evidence] {
        try rows("SELECT * FROM evidence WHERE site = ? ORDER BY number", [site.data]) { row in
            Evidence(
                site: site,
                kind: try Self.text(row, "kind"),
                bytes: Self.bytes(row, "bytes") ?? [],
                foundAt: try Self.integer(row, "foundAt")
            )
        }
    }

    /// Keeps evidence; the same bytes are kept once.
    public func add(_ evidence: Evidence) throws {
        let known = try row("SELECT count(*) AS n FROM evidence WHERE site = ?", [evidence.site.data]) {
            try Self.integer($0, "n")
        }
        guard (known ?? 0) < Self.maximumEvidence else { return }
        try execute(
            "INSERT OR IGNORE INTO evidence (site, kind, bytes, digest, foundAt) VALUES (?, ?, ?, ?, ?)",
            [
                evidence.site.data, evidence.kind, Data(evidence.bytes), Hash.sha256(evidence.bytes).data,
                evidence.foundAt,
            ]
        )
    }
}
