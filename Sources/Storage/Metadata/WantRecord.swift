// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import GRDB
public import Wire

/// That a file of a site was asked for here: what eviction goes by.
public struct WantRecord: Equatable, Sendable {
    /// The file's BEP 52 root.
    public var root: Digest256
    /// The id of the site that it was asked for on; one file may be wanted by several.
    public var site: Digest256
    /// Bytes of the whole file.
    public var length: Int64
    /// When it was last asked for, in seconds since 1970.
    public var wantedAt: Int64

    /// All that eviction needs to know of a file.
    public init(root: Digest256, site: Digest256, length: Int64, wantedAt: Int64) {
        self.root = root
        self.site = site
        self.length = length
        self.wantedAt = wantedAt
    }
}

extension MetadataConnection {
    /// Notes wants, many in one transaction: a page asks for dozens of files. An older time never replaces a newer.
    public func save(_ wants: [WantRecord]) throws {
        for want in wants {
            try execute(
                """
                INSERT INTO want (root, site, length, wantedAt) VALUES (?, ?, ?, ?)
                ON CONFLICT (root, site) DO UPDATE SET wantedAt = max(wantedAt, excluded.wantedAt)
                """,
                [want.root.data, want.site.data, want.length, want.wantedAt]
            )
        }
    }

    /// All wants, the oldest first.
    public func wants() throws -> [WantRecord] { try rows("SELECT * FROM want ORDER BY wantedAt, root", [], want) }

    /// What is wanted of one site, the oldest first.
    public func wants(of site: Digest256) throws -> [WantRecord] {
        try rows("SELECT * FROM want WHERE site = ? ORDER BY wantedAt, root", [site.data], want)
    }

    /// Forgets who wanted a file that has been removed.
    public func removeWants(of root: Digest256) throws {
        try execute("DELETE FROM want WHERE root = ?", [root.data])
    }

    private func want(_ row: Row) throws -> WantRecord {
        WantRecord(
            root: try Self.fixed(row, "root"),
            site: try Self.fixed(row, "site"),
            length: try Self.integer(row, "length"),
            wantedAt: try Self.integer(row, "wantedAt")
        )
    }
}
