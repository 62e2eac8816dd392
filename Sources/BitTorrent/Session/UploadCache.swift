// SPDX-License-Identifier: Apache-2.0
internal import DequeModule

/// What was read from disk to be sent: ranges of pieces, shared by all peers that ask for them.
///
/// Blocks are read 256 KiB at a time, so one read serves sixteen requests, and in a crowd one read serves all. Memory:
/// ``SessionConfiguration/readCacheBytes``, in which each range counts ``leastCost`` at least; the least recently used makes
/// room.
struct UploadCache {
    static let unit = 1 << 18
    /// What a range costs however short it is: who asks byte by byte must not have millions of them kept.
    static let leastCost = 4096

    struct Key: Hashable {
        var piece: Int
        var offset: Int
        var length: Int
    }

    /// A class, with one owner: a dictionary hands a value out for change by way of allocated frames, at each block.
    private final class Entry {
        let id: ReadID
        var isReady = false
        var waiting: Set<ConnectionID>
        var lastUse: UInt64 = 0

        init(id: ReadID, waiting: Set<ConnectionID>) {
            self.id = id
            self.waiting = waiting
        }
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
    /// Every use, oldest first; outdated where the entry has been used since.
    private var recency: Deque<(key: Key, use: UInt64)> = []
    /// What all ranges cost together.
    private(set) var bytes = 0

    static func cost(_ length: Int) -> Int { max(length, leastCost) }

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
        guard let entry = entries[key] else { return .absent }
        use(key, entry)
        if entry.isReady { return .ready(entry.id) }
        entry.waiting.insert(connection)
        return .loading
    }

    /// Makes room for a read, as far as what is not being read allows.
    ///
    /// - Returns: the reads to release.
    mutating func makeRoom(for length: Int, limit: Int) -> [ReadID] {
        var released: [ReadID] = []
        var loading: [(key: Key, use: UInt64)] = []
        while bytes + Self.cost(length) > limit, let oldest = recency.popFirst() {
            guard let entry = entries[oldest.key], entry.lastUse == oldest.use else { continue }
            if entry.isReady {
                released.append(entry.id)
                remove(oldest.key)
            } else {
                loading.append(oldest)
            }
        }
        for entry in loading.reversed() { recency.prepend(entry) }
        return released
    }

    private mutating func use(_ key: Key, _ entry: Entry) {
        // Sixteen blocks of one unit follow one another: they are one use.
        if let last = recency.last, last.use == entry.lastUse { return }
        clock += 1
        entry.lastUse = clock
        recency.append((key, clock))
        // At most one in four is outdated for long.
        if recency.count > 64, recency.count > 4 * entries.count {
            recency.removeAll { entries[$0.key]?.lastUse != $0.use }
        }
    }

    mutating func insert(_ key: Key, _ id: ReadID, for connection: ConnectionID) {
        let entry = Entry(id: id, waiting: [connection])
        entries[key] = entry
        use(key, entry)
        keys[id] = key
        bytes += Self.cost(key.length)
    }

    /// Takes in a whole piece that is in memory already. The room for it has been made.
    mutating func keep(_ key: Key, _ id: ReadID) {
        guard entries[key] == nil else { return }
        let entry = Entry(id: id, waiting: [])
        entry.isReady = true
        entries[key] = entry
        use(key, entry)
        keys[id] = key
        bytes += Self.cost(key.length)
    }

    /// The key of the whole piece, where it was kept.
    func whole(_ piece: Int, length: Int) -> Key? {
        let key = Key(piece: piece, offset: 0, length: length)
        return entries[key] == nil ? nil : key
    }

    /// A read has finished.
    ///
    /// - Returns: who waits for it, in the order of their numbers; nil for a read that this cache does not know.
    mutating func finished(_ id: ReadID, succeeded: Bool) -> [ConnectionID]? {
        guard let key = keys[id], let entry = entries[key] else { return nil }
        let waiting = entry.waiting.sorted()
        entry.isReady = true
        entry.waiting = []
        if !succeeded { remove(key) }
        return waiting
    }

    /// Drops what was read of a piece; reads of it that are under way are of no more use.
    ///
    /// - Returns: the reads to release now.
    mutating func forget(piece: Int) -> [ReadID] {
        var released: [ReadID] = []
        let own = entries.filter { $0.key.piece == piece }.sorted { $0.value.id.raw < $1.value.id.raw }
        for (key, entry) in own {
            if entry.isReady { released.append(entry.id) }
            remove(key)
        }
        return released
    }

    func key(of id: ReadID) -> Key? { keys[id] }

    mutating func connectionEnded(_ connection: ConnectionID) {
        for entry in entries.values where !entry.waiting.isEmpty { entry.waiting.remove(connection) }
    }

    private mutating func remove(_ key: Key) {
        guard let entry = entries.removeValue(forKey: key) else { return }
        keys[entry.id] = nil
        bytes -= Self.cost(key.length)
    }
}
