// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Glibc
internal import Keys
internal import Synchronization
internal import Wire

@testable internal import Storage

/// What a store makes of packs: it opens, has every whole file, gives no other bytes for one, and loses none by its upkeep.
enum PackStoreTrial {
    private static let runs = Atomic(0)

    /// Returns the files that were found. The packs are written into a folder in memory.
    @discardableResult
    static func run(_ trial: PackTrial) throws -> Set<Digest256> {
        let place = unsafe access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        let number = runs.wrappingAdd(1, ordering: .relaxed).newValue
        let folder = "\(place)/roost-packs-\(getpid())-\(number)"
        try Disk.makeDirectory(folder)
        defer { remove(folder) }
        for (number, pack) in trial.packs.enumerated() {
            try write(pack.bytes, to: "\(folder)/\(number + 1).pack")
            if let index = pack.index { try write(index, to: "\(folder)/\(number + 1).index") }
        }
        // An index that is there is believed: what it claims shows when it is read.
        let isScanned = trial.packs.allSatisfy { $0.index == nil }
        let first = try opened(folder)
        let held = try held(first, isScanned: isScanned)
        if isScanned, !trial.isForged {
            try hold(trial.sound.isSubset(of: held.keys), "a start finds every file that is whole")
        }
        let second = try opened(folder)
        try hold(
            Set(try self.held(second, isScanned: isScanned).keys) == Set(held.keys),
            "the next start finds the same"
        )
        try upkeep(second, held)
        let last = try self.held(try opened(folder), isScanned: false)
        let isKept = held.allSatisfy { root, bytes in bytes == nil || last[root] == bytes }
        try hold(isKept && last[Merkle.root(of: fresh)] == fresh, "upkeep loses nothing")
        return Set(held.keys)
    }

    /// In no sample.
    private static let fresh: [UInt8] = Array("a file of its own".utf8)

    private static func opened(_ folder: String) throws -> PackStore {
        do {
            return try PackStore(folder: folder, files: OpenFileCache(capacity: 4), fullBytes: 4096)
        } catch {
            throw Broken(description: "a store opens whatever its packs are: \(error)")
        }
    }

    /// Every file that counts as held, with its bytes where they can be read.
    private static func held(_ store: PackStore, isScanned: Bool) throws -> [Digest256: [UInt8]?] {
        var held: [Digest256: [UInt8]?] = [:]
        for file in store.all() {
            let bytes = try? read(file.root, Int(file.length), from: store)
            let isSound = bytes.map { Merkle.root(of: $0) == file.root } ?? false
            try hold(!isScanned || isSound, "a start that reads its packs through believes no file that is not whole")
            held[file.root] = .some(isSound ? bytes : nil)
        }
        return held
    }

    private static func read(_ root: Digest256, _ length: Int, from store: PackStore) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: length)
        let isThere = try unsafe bytes.withUnsafeMutableBytes { unsafe try store.read(root, at: 0, into: $0) }
        try hold(isThere, "what is listed is there")
        return bytes
    }

    private static func upkeep(_ store: PackStore, _ held: [Digest256: [UInt8]?]) throws {
        let isTaken = try unsafe fresh.withUnsafeBytes {
            unsafe try store.append($0, root: Merkle.root(of: fresh), storedAt: 7)
        }
        try hold(isTaken && store.flush().failure == nil, "a file can be added")
        for root in try store.reclaim() {
            try hold((held[root] ?? nil) == nil, "only what is damaged is given up")
        }
    }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        try OpenFile.open(path, flags: O_RDWR | O_CREAT | O_EXCL).write(bytes, at: 0)
    }

    private static func remove(_ folder: String) {
        for name in (try? Disk.names(in: folder)) ?? [] { try? Disk.remove("\(folder)/\(name)") }
        _ = unsafe rmdir(folder)
    }
}
