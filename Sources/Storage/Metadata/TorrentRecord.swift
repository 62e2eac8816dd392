// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import GRDB
public import Wire

/// A torrent that is no release of a site: opened by a magnet link or a .torrent file.
public struct TorrentRecord: Equatable, Sendable {
    /// The v1 infohash; at least one of the two is known.
    public var v1: Digest160?
    /// The v2 infohash.
    public var v2: Digest256?
    /// What to call it; written by a stranger.
    public var name: String
    /// The .torrent file's bytes; nil while the info dictionary has not come.
    public var metainfo: [UInt8]?
    /// What the session wants to find again; its format is the session's.
    public var resume: [UInt8]?
    /// Its files are never evicted.
    public var isPinned: Bool
    /// Seconds since 1970.
    public var addedAt: Int64

    /// `v1`, `v2` or both: the two ways in which it is found again.
    public init(
        v1: Digest160?,
        v2: Digest256?,
        name: String,
        metainfo: [UInt8]? = nil,
        resume: [UInt8]? = nil,
        isPinned: Bool = false,
        addedAt: Int64
    ) {
        self.v1 = v1
        self.v2 = v2
        self.name = name
        self.metainfo = metainfo
        self.resume = resume
        self.isPinned = isPinned
        self.addedAt = addedAt
    }
}

extension MetadataConnection {
    private func torrentRecord(_ row: Row) throws -> TorrentRecord {
        TorrentRecord(
            v1: try Self.optional(row, "v1"),
            v2: try Self.optional(row, "v2"),
            name: try Self.text(row, "name"),
            metainfo: Self.bytes(row, "metainfo"),
            resume: Self.bytes(row, "resume"),
            isPinned: try Self.bool(row, "isPinned"),
            addedAt: try Self.integer(row, "addedAt")
        )
    }

    /// All torrents, in the order in which they were added.
    public func torrents() throws -> [TorrentRecord] {
        try rows("SELECT * FROM torrent ORDER BY number", [], torrentRecord)
    }

    /// The torrent with either infohash; nil where none is kept.
    public func torrent(v1: Digest160?, v2: Digest256?) throws -> TorrentRecord? {
        let query = "SELECT * FROM torrent WHERE v1 = ? OR v2 = ? ORDER BY number LIMIT 1"
        return try rows(query, [v1?.data, v2?.data], torrentRecord).first
    }

    /// Adds the torrent, or replaces what is known of the one with either of its infohashes.
    public func save(_ torrent: TorrentRecord) throws {
        try removeTorrent(v1: torrent.v1, v2: torrent.v2)
        try execute(
            "INSERT INTO torrent (v1, v2, name, metainfo, resume, isPinned, addedAt) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                torrent.v1?.data, torrent.v2?.data, torrent.name, torrent.metainfo.map { Data($0) },
                torrent.resume.map { Data($0) }, torrent.isPinned, torrent.addedAt,
            ]
        )
    }

    /// Forgets the torrents that were kept longest ago, but for pinned ones, where there are more than `count` or their metainfo
    /// takes more than `bytes` together.
    public func trimTorrents(count: Int, bytes: Int) throws {
        let sums = """
            SELECT number, SUM(IFNULL(LENGTH(metainfo), 0)) OVER latest AS bytes, ROW_NUMBER() OVER latest AS place
            FROM torrent WINDOW latest AS (ORDER BY number DESC)
            """
        try execute(
            "DELETE FROM torrent WHERE isPinned = 0 AND number IN (SELECT number FROM (\(sums)) WHERE bytes > ? OR place > ?)",
            [bytes, count]
        )
    }

    /// Forgets the torrent with either infohash; its files are the keeper's to remove.
    public func removeTorrent(v1: Digest160?, v2: Digest256?) throws {
        try execute("DELETE FROM torrent WHERE v1 = ? OR v2 = ?", [v1?.data, v2?.data])
    }
}
