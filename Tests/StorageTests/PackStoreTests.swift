// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Foundation
import Synchronization
import TestSupport
import Testing
import Wire

@testable import Storage

@Suite("Packs of small files")
struct PackStoreTests {
    private let folder: TemporaryFolder
    private let files: [[UInt8]]

    init() throws {
        folder = try TemporaryFolder()
        try folder.write([], to: "packs/none")
        var random = SplitMix64(seed: 5)
        files = (0..<12).map { random.bytes($0 % 4 == 3 ? 20_000 : 1 + $0 * 97) }
    }

    private func root(_ bytes: [UInt8]) -> Digest256 { Merkle.root(of: bytes) }

    private func opened(full: Int64 = PackFile.fullBytes) throws -> PackStore {
        try PackStore(folder: folder.path + "/packs", files: OpenFileCache(capacity: 4), fullBytes: full)
    }

    private func append(_ bytes: [UInt8], to store: PackStore) throws {
        let isTaken = try unsafe bytes.withUnsafeBytes {
            unsafe try store.append($0, root: root(bytes), storedAt: 1000)
        }
        #expect(isTaken)
    }

    private func fill(_ store: PackStore) throws {
        for file in files { try append(file, to: store) }
        let flushed = store.flush()
        #expect(flushed.failure == nil && flushed.lost.isEmpty)
    }

    private func read(_ bytes: [UInt8], from store: PackStore) throws -> [UInt8]? {
        var found = [UInt8](repeating: 0, count: bytes.count)
        let isThere = try unsafe found.withUnsafeMutableBytes { unsafe try store.read(root(bytes), at: 0, into: $0) }
        return isThere ? found : nil
    }

    /// That what is held has its bytes; returns the numbers of what is.
    private func held(in store: PackStore) -> [Int] {
        files.indices.filter { number in
            guard store.length(of: root(files[number])) != nil else { return false }
            #expect((try? read(files[number], from: store)) == files[number])
            return true
        }
    }

    private var pack: URL { URL(fileURLWithPath: folder.path + "/packs/1.pack") }

    private func blocks(_ name: String) throws -> Int64 {
        var status = stat()
        try #require(unsafe stat(folder.path + "/packs/" + name, &status) == 0)
        return Int64(status.st_blocks)
    }

    @Test("a file can be read at once, counts when it is synced, and is there after a restart")
    func basics() throws {
        let store = try opened()
        try append(files[3], to: store)
        #expect(store.length(of: root(files[3])) == nil)
        #expect(store.currentLength(of: root(files[3])) == 20_000)
        #expect(try read(files[3], from: store) == files[3])
        #expect(store.flush().durable == [root(files[3])])
        #expect(store.length(of: root(files[3])) == 20_000)
        #expect(try held(in: opened()) == [3])
        #expect(throws: StorageError.outOfRange(length: 20_000)) {
            var two: [UInt8] = [0, 0]
            _ = try unsafe two.withUnsafeMutableBytes {
                unsafe try store.read(root(files[3]), at: 19_999, into: $0)
            }
        }
    }

    @Test("whatever the length at which a write was cut off, the whole files before it are there and nothing else")
    func torn() throws {
        try fill(try opened())
        let whole = try Data(contentsOf: pack)
        var ends: [Int] = []
        for file in files { ends.append((ends.last ?? 0) + PackRecord.headerBytes + file.count) }
        var random = SplitMix64(seed: 8)
        let cuts = ends + ends.map { $0 - 1 } + (0..<60).map { _ in Int.random(in: 0..<whole.count, using: &random) }
        for cut in cuts {
            try whole.prefix(cut).write(to: pack)
            let store = try opened()
            #expect(held(in: store) == ends.indices.filter { ends[$0] <= cut })
            // And it goes on from there.
            try fill(store)
            #expect(try held(in: opened()) == Array(files.indices))
            try clear()
        }
    }

    private func clear() throws {
        for name in try folder.names(in: "packs") {
            try FileManager.default.removeItem(atPath: "\(folder.path)/packs/\(name)")
        }
    }

    @Test(
        "of a pack with any flipped byte, or with zeros where the disk lost a block, what is sound stays and nothing else"
    )
    func flipped() throws {
        try fill(try opened())
        let whole = try Data(contentsOf: pack)
        var random = SplitMix64(seed: 9)
        for round in 0..<120 {
            var damaged = whole
            let place = Int.random(in: 0..<whole.count, using: &random)
            if round % 3 == 0 {
                for index in place..<min(place + 4096, whole.count) { damaged[index] = 0 }
            } else {
                damaged[place] ^= UInt8(1 << Int.random(in: 0..<8, using: &random))
            }
            try damaged.write(to: pack)
            let store = try opened()
            #expect(held(in: store).count >= files.count - 9)
            _ = try store.reclaim()
            try fill(store)
            #expect(held(in: store) == Array(files.indices))
            #expect(try held(in: opened()) == Array(files.indices))
            try clear()
        }
    }

    @Test("a full pack gets an index; one that is damaged or another's is made anew")
    func index() throws {
        try fill(try opened(full: 25_000))
        try fill(try opened(full: 25_000))
        #expect(try folder.names(in: "packs").contains("1.index"))
        let index = try folder.read("packs/1.index")
        var damages = HostileInput.truncations(of: index) + HostileInput.mutations(of: index, count: 60, seed: 3)
        damages.append(try folder.read("packs/2.index") + index)
        for damage in damages {
            try folder.write(damage, to: "packs/1.index")
            #expect(try held(in: opened(full: 25_000)) == Array(files.indices))
        }
    }

    @Test("an index that is right in itself and names other files gives out none of them")
    func forgedIndex() throws {
        try fill(try opened(full: 25_000))
        let index = try folder.read("packs/1.index")
        var forged: [UInt8] = []
        for start in stride(from: 0, to: index.count, by: PackRecord.headerBytes) {
            var record = try #require(PackRecord(index[start..<start + PackRecord.headerBytes]))
            record.root = Digest256([UInt8](repeating: UInt8(truncatingIfNeeded: start), count: 32)) ?? .zero
            forged += record.header
        }
        try folder.write(forged, to: "packs/1.index")
        let store = try opened(full: 25_000)
        var byte: [UInt8] = [0]
        let first = try #require(PackRecord(forged[..<PackRecord.headerBytes])).root
        #expect(throws: StorageError.damaged(path: pack.path)) {
            _ = try unsafe byte.withUnsafeMutableBytes { unsafe try store.read(first, at: 0, into: $0) }
        }
    }

    @Test("what is let go stays away, and its space comes back while others are read")
    func removing() throws {
        let store = try opened()
        try fill(store)
        let before = try blocks("1.pack")
        for number in [3, 7] { #expect(try store.remove(root(files[number]))) }
        #expect(try !store.remove(root(files[3])))
        _ = try store.reclaim()
        let rest = files.indices.filter { $0 != 3 && $0 != 7 }
        #expect(held(in: store) == rest)
        #expect(try held(in: opened()) == rest)
        #expect(try blocks("1.pack") < before)
        try append(files[3], to: store)
        _ = store.flush()
        #expect(try held(in: opened()) == files.indices.filter { $0 != 7 })
    }

    @Test("a file let go in a pack with an index stays away too")
    func removingSealed() throws {
        let store = try opened(full: 25_000)
        try fill(store)
        #expect(try store.remove(root(files[1])))
        _ = try store.reclaim()
        #expect(try held(in: opened(full: 25_000)) == files.indices.filter { $0 != 1 })
        #expect(try folder.names(in: "packs").contains("1.index"))
    }

    @Test("a file let go stays away over a start before its space was given back, with an index or without")
    func removedBeforeReclaim() throws {
        let store = try opened(full: 25_000)
        try fill(store)
        #expect(try folder.names(in: "packs").contains("1.index"))
        for number in [1, 11] { #expect(try store.remove(root(files[number]))) }
        let rest = files.indices.filter { $0 != 1 && $0 != 11 }
        #expect(try held(in: opened(full: 25_000)) == rest)
        #expect(store.flush().failure == nil)
        #expect(try folder.names(in: "packs").contains("1.index"))
        #expect(try held(in: opened(full: 25_000)) == rest)
    }

    @Test("packs with little left are written anew, empty ones removed")
    func compaction() throws {
        let store = try opened(full: 25_000)
        try fill(store)
        let count = try folder.names(in: "packs").count { $0.hasSuffix(".pack") }
        #expect(count >= 3)
        for number in [3, 7] { _ = try store.remove(root(files[number])) }
        #expect(try store.reclaim().isEmpty)
        #expect(try folder.names(in: "packs").count { $0.hasSuffix(".pack") } < count)
        let rest = files.indices.filter { $0 != 3 && $0 != 7 }
        #expect(held(in: store) == rest)
        #expect(try held(in: opened(full: 25_000)) == rest)
        for number in rest { _ = try store.remove(root(files[number])) }
        _ = try store.reclaim()
        #expect(try held(in: opened(full: 25_000)).isEmpty)
    }

    @Test("links, folders, huge files and the highest number in place of packs are left alone")
    func hostileNames() throws {
        try fill(try opened())
        let path = folder.path + "/packs/"
        try FileManager.default.createSymbolicLink(atPath: path + "2.pack", withDestinationPath: path + "1.pack")
        try FileManager.default.createDirectory(atPath: path + "3.pack", withIntermediateDirectories: false)
        try folder.write([1], to: "packs/4294967295.pack")
        try folder.write([1], to: "packs/01.pack")
        try folder.write([1], to: "packs/9.index")
        #expect(FileManager.default.createFile(atPath: path + "5.pack", contents: nil))
        #expect(unsafe truncate(path + "5.pack", 1 << 40) == 0)
        let store = try opened(full: 25_000)
        #expect(store.faults == 4)
        #expect(held(in: store) == Array(files.indices))
        let more = [UInt8](repeating: 4, count: 30)
        try append(more, to: store)
        #expect(store.flush().failure == nil)
        #expect(try read(more, from: store) == more)
    }

    @Test("threads that append, read, sync and let go at once agree")
    func threads() async throws {
        let store = try opened(full: 60_000)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<6 {
                group.addTask {
                    for number in 0..<60 {
                        let bytes = [UInt8](repeating: UInt8(worker), count: 500 + number * 10)
                        try append(bytes, to: store)
                        #expect(try read(bytes, from: store) == bytes)
                        if number % 9 == 0 { _ = store.flush() }
                        if number % 2 == 0 { #expect(try store.remove(root(bytes))) }
                        if number % 20 == 0 { _ = try store.reclaim() }
                    }
                }
            }
            try await group.waitForAll()
        }
        _ = store.flush()
        #expect(store.all().count == 180)
        let after = try opened(full: 60_000)
        #expect(Set(after.all().map(\.root)) == Set(store.all().map(\.root)))
    }
}
