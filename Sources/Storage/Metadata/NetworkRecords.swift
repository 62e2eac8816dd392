// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import GRDB
public import Wire

/// A signed item of the DHT (BEP 44) that this node has put or accepted.
public struct ItemRecord: Equatable, Sendable {
    /// Where it lies in the DHT.
    public var target: Digest160
    /// The highest number seen: nothing below it is accepted.
    public var seq: Int64
    /// The item as the DHT's driver encodes it.
    public var bytes: [UInt8]
    /// Whether this node puts it again every hour.
    public var keepsAlive: Bool
    /// Seconds since 1970; 0 where this node has not put it.
    public var putAt: Int64

    /// `bytes` must be of that target and number: nothing is checked here.
    public init(target: Digest160, seq: Int64, bytes: [UInt8], keepsAlive: Bool, putAt: Int64) {
        self.target = target
        self.seq = seq
        self.bytes = bytes
        self.keepsAlive = keepsAlive
        self.putAt = putAt
    }
}

extension MetadataConnection {
    private func itemRecord(_ row: Row) throws -> ItemRecord {
        ItemRecord(
            target: try Self.fixed(row, "target"),
            seq: try Self.integer(row, "seq"),
            bytes: Self.bytes(row, "bytes") ?? [],
            keepsAlive: try Self.bool(row, "keepsAlive"),
            putAt: try Self.integer(row, "putAt")
        )
    }

    /// The item that is known for `target`; nil where none is.
    public func item(_ target: Digest160) throws -> ItemRecord? {
        try row("SELECT * FROM item WHERE target = ?", [target.data], itemRecord)
    }

    /// The items to put again, the one put longest ago first.
    public func itemsToKeepAlive() throws -> [ItemRecord] {
        try rows("SELECT * FROM item WHERE keepsAlive ORDER BY putAt, target", [], itemRecord)
    }

    /// Keeps the item unless one with a higher number is known. Returns whether it was kept.
    @discardableResult
    public func save(_ item: ItemRecord) throws -> Bool {
        if let known = try self.item(item.target), known.seq > item.seq { return false }
        try execute(
            "INSERT OR REPLACE INTO item (target, seq, bytes, keepsAlive, putAt) VALUES (?, ?, ?, ?, ?)",
            [item.target.data, item.seq, Data(item.bytes), item.keepsAlive, item.putAt]
        )
        return true
    }

    /// When this node last announced itself as a holder of each hash, in seconds since 1970.
    public func announces() throws -> [Digest160: Int64] {
        let pairs: [(Digest160, Int64)] = try rows("SELECT hash, announcedAt FROM announce") {
            (try Self.fixed($0, "hash"), try Self.integer($0, "announcedAt"))
        }
        return Dictionary(pairs) { first, _ in first }
    }

    /// Notes an announcement, in seconds since 1970.
    public func saveAnnounce(of hash: Digest160, at time: Int64) throws {
        try execute("INSERT OR REPLACE INTO announce (hash, announcedAt) VALUES (?, ?)", [hash.data, time])
    }

    /// Forgets an announcement; one that is not there is fine.
    public func removeAnnounce(of hash: Digest160) throws {
        try execute("DELETE FROM announce WHERE hash = ?", [hash.data])
    }

    /// A small value under a name: the DHT's table, the node's port.
    public func setting(_ name: String) throws -> [UInt8]? {
        try row("SELECT value FROM setting WHERE name = ?", [name]) { Self.bytes($0, "value") ?? [] }
    }

    /// All settings whose names begin so, by name.
    public func settings(startingWith prefix: String) throws -> [(name: String, value: [UInt8])] {
        try rows("SELECT name, value FROM setting WHERE substr(name, 1, ?) = ? ORDER BY name", [prefix.count, prefix]) {
            (try Self.text($0, "name"), Self.bytes($0, "value") ?? [])
        }
    }

    /// Replaces the value; nil removes it.
    public func saveSetting(_ name: String, _ value: [UInt8]?) throws {
        if let value {
            try execute("INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)", [name, Data(value)])
        } else {
            try execute("DELETE FROM setting WHERE name = ?", [name])
        }
    }
}
