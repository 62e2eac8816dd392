// SPDX-License-Identifier: Apache-2.0

/// What was read from disk to be sent: ranges of pieces, shared by all peers that ask for them.
///
/// Blocks are read 256 KiB at a time, so one read serves sixteen requests, and in a crowd one read serves all. Memory:
/// ``SessionConfiguration/readCacheBytes``; the least recently used range makes room.
struct UploadCache {
    static let unit = 1 << 18

    struct Key: Hashable {
        var piece: Int
        var offset: Int
        var length: Int
    }

    private struct Entry {
        var id: ReadID
        var isReady = false
        var waiting: Set<ConnectionID> = []
        var lastUse: UInt64
    }

    enum Lookup: Equatable {
        case ready(ReadID)
        case loading
        /// Nothing is known of it: read it, if there is room.
        case absent
    }

    private var entries: [Key: Entry] = [:]
    private var keys: [ReadID: Key] = [:]
    private var clock: UInt64 = 0
    private(set) var bytes = 0

    /// The range to read for a block: its unit, or just itself where it crosses units or asks for little.
    static func key(for block: BlockRange, pieceLength: Int, isSmall: Bool) -> Key {
        let offset = Int(block.offset)
        let start = offset / unit * unit
        let end = min(start + unit, pieceLength)
        if isSmall || offset + Int(block.length) > end {
            return Key(piece: Int(block.piece), offset: offset, length: Int(block.length))
        }
        return Key(piece: Int(block.piece), offset: start, length: end - start)
    }

    mutating func lookup(_ key: Key, for connection: ConnectionID) -> Lookup {
        guard entries[key] != nil else { return .absent }
        clock += 1
        entries[key]?.lastUse = clock
        guard let entry = entries[key] else { return .absent }
        if entry.isReady { return .ready(entry.id) }
        entries[key]?.waiting.insert(connection)
        return .loading
    }

    /// Makes room for a read.
    ///
    /// - Returns: reads to release; nil where everything is in use.
    mutating func makeRoom(for length: Int, limit: Int) -> [ReadID]? {
        var released: [ReadID] = []
        while bytes + length > limit {
            guard let oldest = entries.filter({ $0.value.isReady }).min(by: { $0.value.lastUse < $1.value.lastUse })
            else { return bytes == 0 ? released : (released.isEmpty ? nil : released) }
            released.append(oldest.value.id)
            remove(oldest.key)
        }
        return released
    }

    mutating func insert(_ key: Key, _ id: ReadID, for connection: ConnectionID?) {
        clock += 1
        entries[key] = Entry(id: id, waiting: connection.map { [$0] } ?? [], lastUse: clock)
        keys[id] = key
        bytes += key.length
    }

    /// A read has finished.
    ///
    /// - Returns: who waits for it; nil for a read that this cache does not know.
    mutating func finished(_ id: ReadID, succeeded: Bool) -> Set<ConnectionID>? {
        guard let key = keys[id], let entry = entries[key] else { return nil }
        entries[key]?.isReady = true
        entries[key]?.waiting = []
        if !succeeded { remove(key) }
        return entry.waiting
    }

    func key(of id: ReadID) -> Key? { keys[id] }

    mutating func connectionEnded(_ connection: ConnectionID) {
        for key in entries.keys where entries[key]?.waiting.isEmpty == false {
            entries[key]?.waiting.remove(connection)
        }
    }

    private mutating func remove(_ key: Key) {
        guard let entry = entries.removeValue(forKey: key) else { return }
        keys[entry.id] = nil
        bytes -= key.length
    }
}
