// SPDX-License-Identifier: Apache-2.0
internal import GRDB

/// Copies what can still be read of a damaged database into a new one, which takes its place; the damaged one is kept
/// under `quarantine/`.
///
/// What cannot be read is lost (``DamagedTable``), and so is a row that breaks the schema's rules.
public struct MetadataRescue: Sendable {
    /// Rows that were copied.
    public private(set) var rows = 0
    /// Tables of which something could not be read.
    public private(set) var incomplete: [String] = []
    /// Where the damaged database is kept.
    public private(set) var kept: String

    private let home: Home

    /// Of the database of `home`, which this process holds and on which no node runs. A crash in between leaves the old
    /// one, its log perhaps set aside already, or the new one. Throws ``StorageError`` or ``MetadataError`` where the new
    /// one cannot be written.
    public init(home: Home) throws {
        self.home = home
        kept = Self.freePlace(in: home)
        let path = "\(home.temporary)/rescued.sqlite"
        for folder in [home.temporary, home.quarantine] { try Disk.makeDirectory(folder) }
        for suffix in Self.suffixes { try Disk.remove(path + suffix) }
        do {
            let new = try MetadataStore(path: path)
            try copy(to: new)
            try new.forgetIncompleteManifests()
            try new.close()
        } catch let error as DatabaseError {
            throw MetadataError(error, path: path)
        }
        for suffix in Self.suffixes.dropFirst() { try Disk.remove(path + suffix) }
        try replace(by: path)
    }

    private static let suffixes = ["", "-wal", "-shm"]

    private static func freePlace(in home: Home) -> String {
        let base = "\(home.quarantine)/metadata"
        let name = (1...999).map { $0 == 1 ? "\(base).sqlite" : "\(base)-\($0).sqlite" }.first { !Disk.exists($0) }
        return name ?? "\(base).sqlite"
    }

    // MARK: Copying

    private mutating func copy(to new: MetadataStore) throws {
        let tables = try new.tables()
        let old = try? DatabaseQueue(path: home.database)
        for table in tables {
            do {
                let found = try old?.read { old in
                    var copy = DamagedTable(table, in: old, to: new)
                    try copy.run()
                    return copy
                }
                rows += found?.rows ?? 0
                if found?.isWhole != true { incomplete.append(table.name) }
            } catch let failure as DamagedTable.WriteFailure {
                throw failure.cause
            } catch {
                incomplete.append(table.name)
            }
        }
        try? old?.close()
    }

    // MARK: Taking its place

    private func replace(by path: String) throws(StorageError) {
        // A log that outlived its database would be taken for the new one's: it goes first.
        for suffix in Self.suffixes.dropFirst() where Disk.exists(home.database + suffix) {
            try Disk.rename(home.database + suffix, to: kept + suffix)
        }
        try Disk.copyName(of: home.database, to: kept)
        try Disk.syncDirectory(home.quarantine)
        try Disk.rename(path, to: home.database)
        try Disk.syncDirectory(home.path)
    }
}

extension MetadataStore {
    /// A table of the schema: its columns, as SQL names them, and what its rows stand in the order of, of which `key` is
    /// the first.
    struct Table {
        var name: String
        var columns: String
        var width: Int
        var order: [String]

        var key: String { order.first ?? "rowid" }
    }

    func tables() throws -> [Table] {
        try pool.read { db in
            let found = try Row.fetchAll(
                db,
                sql: """
                    SELECT name, sql LIKE '%WITHOUT ROWID%' AS isByKey FROM sqlite_master
                    WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'grdb_%'
                    """
            )
            return try found.map { row in
                let name: String = row["name"]
                let columns = try db.columns(in: name).map { "\"\($0.name)\"" }
                let key = try db.primaryKey(name).columns.map { "\"\($0)\"" }
                return Table(
                    name: name,
                    columns: columns.joined(separator: ", "),
                    width: columns.count,
                    order: row["isByKey"] ? key : ["rowid"]
                )
            }
        }
    }

    /// Inserts the rows that are new and keep the table's rules, as one transaction. Returns how many.
    func insert(_ rows: [[DatabaseValue]], into table: Table) throws -> Int {
        let marks = Array(repeating: "?", count: table.width).joined(separator: ", ")
        let sql = "INSERT OR IGNORE INTO \"\(table.name)\" (\(table.columns)) VALUES (\(marks))"
        return try pool.write { db in
            let statement = try db.makeStatement(sql: sql)
            return try rows.reduce(0) { count, row in
                try statement.execute(arguments: StatementArguments(row))
                return count + (db.changesCount > 0 ? 1 : 0)
            }
        }
    }

    /// Releases whose list of files is not whole any more are as those of which it was never known.
    func forgetIncompleteManifests() throws {
        try pool.write { db in
            let connection = MetadataConnection(db: db)
            for site in try connection.sites() {
                for release in (try? connection.releases(of: site.id)) ?? [] {
                    do {
                        _ = try connection.manifest(of: site.id, seq: release.seq)
                    } catch {
                        try connection.execute(
                            "UPDATE release SET manifest = NULL WHERE site = ? AND seq = ?",
                            [site.id.data, release.seq]
                        )
                    }
                }
            }
        }
    }

    func close() throws {
        try checkpoint()
        try pool.close()
    }
}
