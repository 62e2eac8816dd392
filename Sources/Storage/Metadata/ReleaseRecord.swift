// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import GRDB
public import Wire

/// A release that this node holds, or has looked into. What its feed says of it stays in the feed.
public struct ReleaseRecord: Equatable, Sendable {
    /// The site's id.
    public var site: Digest256
    /// The release's number in its feed.
    public var seq: Int64
    /// The infohash of the v1 twin, where there is one.
    public var v1: Digest160?
    /// The infohash of the v2 twin: every release has one.
    public var v2: Digest256
    /// The hash of the directory's root node.
    public var directory: Digest256
    /// Of both torrents, in bytes.
    public var pieceLength: Int
    /// Seconds since 1970.
    public var storedAt: Int64

    /// What the feed says, and the time.
    public init(
        site: Digest256,
        seq: Int64,
        v1: Digest160?,
        v2: Digest256,
        directory: Digest256,
        pieceLength: Int,
        storedAt: Int64
    ) {
        self.site = site
        self.seq = seq
        self.v1 = v1
        self.v2 = v2
        self.directory = directory
        self.pieceLength = pieceLength
        self.storedAt = storedAt
    }
}

extension MetadataConnection {
    private static let releaseColumns = "site, seq, v1, v2, directory, pieceLength, storedAt"

    private func releaseRecord(_ row: Row) throws -> ReleaseRecord {
        let pieceLength = try Self.integer(row, "pieceLength")
        guard (1...(1 << 30)).contains(pieceLength) else { throw MetadataError.invalidValue(table: "release") }
        return ReleaseRecord(
            site: try Self.fixed(row, "site"),
            seq: try Self.integer(row, "seq"),
            v1: try Self.optional(row, "v1"),
            v2: try Self.fixed(row, "v2"),
            directory: try Self.fixed(row, "directory"),
            pieceLength: Int(pieceLength),
            storedAt: try Self.integer(row, "storedAt")
        )
    }

    /// The releases known of a site, the oldest first.
    public func releases(of site: Digest256) throws -> [ReleaseRecord] {
        try rows("SELECT \(Self.releaseColumns) FROM release WHERE site = ? ORDER BY seq", [site.data], releaseRecord)
    }

    /// The releases of a site all of whose files are known, the oldest first.
    public func describedReleases(of site: Digest256) throws -> [ReleaseRecord] {
        try rows(
            "SELECT \(Self.releaseColumns) FROM release WHERE site = ? AND manifest IS NOT NULL ORDER BY seq",
            [site.data],
            releaseRecord
        )
    }

    /// What is known of that release; nil where this node never held or looked into it.
    public func release(of site: Digest256, seq: Int64) throws -> ReleaseRecord? {
        try row(
            "SELECT \(Self.releaseColumns) FROM release WHERE site = ? AND seq = ?",
            [site.data, seq],
            releaseRecord
        )
    }

    /// A release by the infohash of its v2 torrent.
    public func release(v2: Digest256) throws -> ReleaseRecord? {
        try row("SELECT \(Self.releaseColumns) FROM release WHERE v2 = ? LIMIT 1", [v2.data], releaseRecord)
    }

    /// A release by the infohash of its v1 twin.
    public func release(v1: Digest160) throws -> ReleaseRecord? {
        try row("SELECT \(Self.releaseColumns) FROM release WHERE v1 = ? LIMIT 1", [v1.data], releaseRecord)
    }

    /// Adds a release, or completes one that was known: with its files, once all are known, and with the `pieces`
    /// string of its v1 twin. Nil leaves what is stored.
    public func save(_ release: ReleaseRecord, manifest: ReleaseManifest? = nil, v1Pieces: [UInt8]? = nil) throws {
        try execute(
            """
            INSERT INTO release (site, seq, v1, v2, directory, pieceLength, storedAt, manifest, v1Pieces)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (site, seq) DO UPDATE SET
                v1 = coalesce(excluded.v1, v1), v2 = excluded.v2, directory = excluded.directory,
                pieceLength = excluded.pieceLength,
                manifest = coalesce(excluded.manifest, CASE WHEN v2 = excluded.v2 THEN manifest END),
                v1Pieces = coalesce(excluded.v1Pieces, CASE WHEN v2 = excluded.v2 THEN v1Pieces END)
            """,
            [
                release.site.data, release.seq, release.v1?.data, release.v2.data, release.directory.data,
                release.pieceLength, release.storedAt, try manifest.map { try store($0) }, v1Pieces.map { Data($0) },
            ]
        )
    }

    /// Forgets a release, and the parts of manifests that no other one shares. Its files are the keeper's to remove.
    public func removeRelease(of site: Digest256, seq: Int64) throws {
        try execute("DELETE FROM release WHERE site = ? AND seq = ?", [site.data, seq])
        try removeUnusedChunks()
    }

    // MARK: Files

    /// Stores the manifest's chunks, those that are there already being shared; returns the list of their hashes.
    private func store(_ manifest: ReleaseManifest) throws -> Data {
        var list = Data()
        for chunk in manifest.chunks {
            try execute(
                // One that is there and is not what it was is set right.
                """
                INSERT INTO manifestChunk (hash, bytes) VALUES (?, ?)
                ON CONFLICT (hash) DO UPDATE SET bytes = excluded.bytes WHERE bytes <> excluded.bytes
                """,
                [chunk.hash.data, Data(chunk.bytes)]
            )
            list.append(chunk.hash.data)
        }
        return list
    }

    /// As ``manifest(of:seq:)``; nil too where what is stored of it is not whole.
    public func soundManifest(of site: Digest256, seq: Int64) throws -> ReleaseManifest? {
        do {
            return try manifest(of: site, seq: seq)
        } catch MetadataError.invalidValue {
            return nil
        }
    }

    /// All files of a release; nil where they are not all known.
    public func manifest(of site: Digest256, seq: Int64) throws -> ReleaseManifest? {
        let found = try row("SELECT manifest FROM release WHERE site = ? AND seq = ?", [site.data, seq]) {
            Self.bytes($0, "manifest")
        }
        guard let list = found ?? nil else { return nil }
        let chunks = try Self.chunkHashes(list).map { hash in
            guard
                let bytes = try row(
                    "SELECT bytes FROM manifestChunk WHERE hash = ?",
                    [hash.data],
                    {
                        Self.bytes($0, "bytes") ?? []
                    }
                )
            else { throw MetadataError.invalidValue(table: "manifestChunk") }
            return bytes
        }
        guard let manifest = ReleaseManifest(chunks: chunks) else {
            throw MetadataError.invalidValue(table: "manifestChunk")
        }
        return manifest
    }

    /// The releases among whose files any has one of these roots; perhaps others too, where the roots are many.
    public func describedReleases(withAnyOf roots: Set<Digest256>) throws -> [ReleaseRecord] {
        guard roots.count <= Self.searchedRoots else {
            return try rows(
                "SELECT \(Self.releaseColumns) FROM release WHERE manifest IS NOT NULL",
                [],
                releaseRecord
            )
        }
        var chunks: Set<Digest256> = []
        for root in roots {
            let query = "SELECT hash FROM manifestChunk WHERE instr(bytes, ?) > 0"
            chunks.formUnion(try rows(query, [root.data]) { try Self.fixed($0, "hash") as Digest256 })
        }
        if chunks.isEmpty { return [] }
        let query = "SELECT \(Self.releaseColumns), manifest FROM release WHERE manifest IS NOT NULL"
        return try rows(query, []) { row in
            let names = try Self.chunkHashes(Self.bytes(row, "manifest") ?? [])
            return names.contains(where: chunks.contains) ? try releaseRecord(row) : nil
        }.compactMap(\.self)
    }

    /// Beyond it, looking at every release is no dearer than looking for each root.
    private static let searchedRoots = 32

    private static func chunkHashes(_ list: [UInt8]) throws -> [Digest256] {
        guard list.count.isMultiple(of: 32) else { throw MetadataError.invalidValue(table: "release") }
        return stride(from: 0, to: list.count, by: 32).compactMap { Digest256(list[$0..<$0 + 32]) }
    }

    /// The `pieces` string of the v1 twin; nil where it is not known: `SiteTree.v1Pieces(from:)` makes it from the files.
    public func v1Pieces(of site: Digest256, seq: Int64) throws -> [UInt8]? {
        try row("SELECT v1Pieces FROM release WHERE site = ? AND seq = ?", [site.data, seq]) {
            Self.bytes($0, "v1Pieces")
        } ?? nil
    }

    /// How many releases of a site keep their v1 pieces; older ones are hashed again should anyone ask.
    public static let v1PiecesKept = 4

    /// Forgets the v1 pieces of all but the newest releases: at 20 bytes a piece they would outweigh small changes.
    public func trimV1Pieces(of site: Digest256) throws {
        try execute(
            """
            UPDATE release SET v1Pieces = NULL WHERE site = ? AND v1Pieces IS NOT NULL AND seq NOT IN
                (SELECT seq FROM release WHERE site = ? ORDER BY seq DESC LIMIT ?)
            """,
            [site.data, site.data, Self.v1PiecesKept]
        )
    }

    /// Deletes the chunks that no release names any more.
    func removeUnusedChunks() throws {
        let lists = try rows("SELECT manifest FROM release WHERE manifest IS NOT NULL") { Self.bytes($0, "manifest") }
        let used = Set(try lists.compactMap { $0 }.flatMap(Self.chunkHashes))
        for hash in try rows("SELECT hash FROM manifestChunk", [], { try Self.fixed($0, "hash") as Digest256 })
        where !used.contains(hash) {
            try execute("DELETE FROM manifestChunk WHERE hash = ?", [hash.data])
        }
    }

    // MARK: Hashes

    /// The hashes of a file's pieces (BEP 52 "piece layers"); nil where they are not known.
    public func pieceLayer(of root: Digest256, pieceLength: Int) throws -> [UInt8]? {
        try row("SELECT hashes FROM pieceLayer WHERE root = ? AND pieceLength = ?", [root.data, pieceLength]) {
            Self.bytes($0, "hashes") ?? []
        }
    }

    /// The caller has checked that the hashes lead to the root.
    public func savePieceLayer(_ hashes: [UInt8], of root: Digest256, pieceLength: Int) throws {
        try execute(
            "INSERT OR REPLACE INTO pieceLayer (root, pieceLength, hashes) VALUES (?, ?, ?)",
            [root.data, pieceLength, Data(hashes)]
        )
    }

    /// A directory node received for a release whose files are not all known.
    public func directoryNode(_ hash: Digest256) throws -> [UInt8]? {
        try row("SELECT bytes FROM directoryNode WHERE hash = ?", [hash.data]) { Self.bytes($0, "bytes") ?? [] }
    }

    /// The caller has checked that the bytes have the hash.
    public func saveDirectoryNode(_ bytes: [UInt8], hash: Digest256, site: Digest256) throws {
        try execute(
            "INSERT OR IGNORE INTO directoryNode (hash, site, bytes) VALUES (?, ?, ?)",
            [hash.data, site.data, Data(bytes)]
        )
    }

    /// The release whose directory has this root, so that its nodes can be derived; nil where none is known.
    public func release(directory: Digest256) throws -> ReleaseRecord? {
        try row(
            "SELECT \(Self.releaseColumns) FROM release WHERE directory = ? AND manifest IS NOT NULL LIMIT 1",
            [directory.data],
            releaseRecord
        )
    }
}
