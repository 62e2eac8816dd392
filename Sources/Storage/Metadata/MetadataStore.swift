// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import GRDB

/// Everything a node remembers that is not content: sites, feeds, releases, torrents, what was wanted, what is denied.
///
/// SQLite in WAL mode. A write has reached the device when its call returns, so a result may be reported to a person
/// or a peer after it. Calls block on the disk, from any thread but an event loop's.
/// Memory: about 1 MiB of page cache for each of four connections.
public final class MetadataStore: Sendable {
    let pool: DatabasePool
    /// Where the database file is.
    public let path: String

    /// Opens the database at `path`, made or brought forward to this version's schema as needed.
    public init(path: String) throws(MetadataError) {
        self.path = path
        do {
            pool = try DatabasePool(path: path, configuration: Self.configuration)
            // What is acknowledged outlives a power failure. Only now: a pool that turns to WAL lowers it to NORMAL, whatever
            // was said before, and then commits are not synced.
            if StorageDefect.current != .commitsEarly {
                try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            }
            let schema = MetadataSchema.migrator
            if try pool.read({ try schema.hasBeenSuperseded($0) }) { throw MetadataError.tooNew(path: path) }
            try schema.migrate(pool)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        } catch {
            throw MetadataError(error, path: path)
        }
    }

    /// Reads every page of a database that no process has open, and writes nothing. Returns what SQLite finds wrong; nil
    /// where there is none.
    public static func inspect(path: String) throws(MetadataError) -> [String]? {
        guard Disk.exists(path) else { return nil }
        do {
            var configuration = Configuration()
            configuration.readonly = true
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            return try queue.read { db in
                if try MetadataSchema.migrator.hasBeenSuperseded(db) { throw MetadataError.tooNew(path: path) }
                return try String.fetchAll(db, sql: "PRAGMA quick_check(20)").filter { $0 != "ok" }
            }
        } catch {
            throw MetadataError(error, path: path)
        }
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "roost.metadata"
        configuration.maximumReaderCount = 3
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA cache_size = -1024")
            // The log shrinks back after a large transaction instead of keeping its greatest length.
            try db.execute(sql: "PRAGMA journal_size_limit = 1048576")
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 256")
        }
        return configuration
    }

    /// Runs `body` on one consistent state. Values made in it may leave it, the connection may not.
    public func read<Value>(_ body: (MetadataConnection) throws -> Value) throws(MetadataError) -> Value {
        do {
            return try pool.read { try body(MetadataConnection(db: $0)) }
        } catch {
            throw MetadataError(error, path: path)
        }
    }

    /// Runs `body` as one transaction: all of it is durable when this returns, or none of it happened.
    @discardableResult
    public func write<Value>(_ body: (MetadataConnection) throws -> Value) throws(MetadataError) -> Value {
        do {
            return try pool.write { try body(MetadataConnection(db: $0)) }
        } catch {
            throw MetadataError(error, path: path)
        }
    }

    /// Reads every page. Returns what SQLite finds wrong, nothing where all is well.
    public func check() throws(MetadataError) -> [String] {
        try read { connection in
            try String.fetchAll(connection.db, sql: "PRAGMA quick_check(20)").filter { $0 != "ok" }
        }
    }

    /// Writes the log back into the database file: for an orderly end.
    public func checkpoint() throws(MetadataError) {
        do {
            try pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        } catch {
            throw MetadataError(error, path: path)
        }
    }
}
