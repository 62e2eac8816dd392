// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Glibc
import Keys
import Synchronization
import TestSupport
import Testing
import Wire

@testable import Storage

@Suite("Content store")
struct ContentStoreTests {
    private let folder: TemporaryFolder
    private let store: ContentStore
    /// Of 40,000 bytes as ``bytes(_:seed:)`` gives them.
    private let key: ContentKey
    private let block = 16_384

    init() throws {
        folder = try TemporaryFolder()
        store = try ContentStore(home: folder.home, openFiles: 4)
        var random = SplitMix64(seed: 7)
        key = .file(root: Merkle.root(of: random.bytes(40_000)))
    }

    private func reopened() throws -> ContentStore { try ContentStore(home: folder.home) }

    private func bytes(_ count: Int, seed: UInt64 = 7) -> [UInt8] {
        var random = SplitMix64(seed: seed)
        return random.bytes(count)
    }

    @Test("gives out written ranges only, then the whole file once it has them all")
    func writing() throws {
        let content = bytes(40_000)
        #expect(try !store.write(Array(content[16_384..<32_768]), to: key, length: 40_000, at: 16_384))
        #expect(try store.read(key, at: 20_000, count: 100) == Array(content[20_000..<20_100]))
        #expect(throws: StorageError.self) { try store.read(key, at: 16_000, count: 1000) }
        #expect(try !store.write(Array(content[..<16_384]), to: key, length: 40_000, at: 0))
        #expect(try store.write(Array(content[32_768...]), to: key, length: 40_000, at: 32_768))
        #expect(try store.read(key, at: 0, count: 40_000) == content)
        #expect(!store.contains(key))
        try store.checkpoint()
        #expect(store.contains(key))
        #expect(try store.read(key, at: 0, count: 40_000) == content)
        #expect(try folder.names(in: "home/partial").isEmpty)
        #expect(try reopened().read(key, at: 39_990, count: 10) == Array(content[39_990...]))
    }

    @Test("all files of a v1 torrent go, begun or whole, and those of others stay")
    func removingTorrent() throws {
        let (torrent, other) = (
            Digest160([UInt8](repeating: 1, count: 20)), Digest160([UInt8](repeating: 2, count: 20))
        )
        let (gone, kept) = (try #require(torrent), try #require(other))
        for torrent in [gone, kept] {
            for file in 0..<2 {
                _ = try store.write([1, 2, 3], to: .v1(torrent: torrent, file: file), length: 3, at: 0)
            }
            _ = try store.write([1, 2], to: .v1(torrent: torrent, file: 2), length: 3, at: 0)
        }
        try store.checkpoint()
        _ = try store.write([1], to: .v1(torrent: gone, file: 3), length: 3, at: 0)
        _ = try store.write([1], to: key, length: 40_000, at: 0)
        try store.removeFiles(ofTorrent: gone)
        for file in 0..<4 {
            #expect(!store.contains(.v1(torrent: gone, file: file)))
            #expect(!store.hasBegun(.v1(torrent: gone, file: file)))
        }
        #expect(store.contains(.v1(torrent: kept, file: 1)))
        #expect(store.hasBegun(.v1(torrent: kept, file: 2)))
        #expect(store.hasBegun(key))
        try reopened().removeFiles(ofTorrent: kept)
        #expect(try folder.names(in: "home/partial").allSatisfy { $0.hasPrefix(key.name) })
    }

    @Test("files that nobody used since the last look are closed, and open again when they are wanted")
    func closingUnused() throws {
        for file in 0..<3 { try folder.write([UInt8(file)], to: "open-\(file)") }
        let files = OpenFileCache(capacity: 10)
        func read(_ file: Int) throws -> [UInt8] {
            try files.file(at: folder.path + "/open-\(file)", flags: O_RDONLY).read(at: 0, count: 1)
        }
        for file in 0..<3 { _ = try read(file) }
        files.dropUnused()
        #expect(files.count == 3)
        _ = try read(1)
        files.dropUnused()
        #expect(files.count == 1)
        #expect(try read(0) == [0])
        #expect(files.count == 2)
    }

    @Test("a v1 piece's unaligned ranges count exactly")
    func unaligned() throws {
        let key = ContentKey.v1(torrent: .zero, file: 3)
        try store.write([1, 2, 3], to: key, length: 10, at: 4)
        #expect(try store.verified(key, length: 10).ranges == [4..<7])
        try store.write([0, 0, 0, 0], to: key, length: 10, at: 0)
        try store.write([7, 8, 9], to: key, length: 10, at: 7)
        try store.checkpoint()
        #expect(try store.read(key, at: 0, count: 10) == [0, 0, 0, 0, 1, 2, 3, 7, 8, 9])
        var found: [ContentKey] = []
        try store.forEachFile { key, length in if length == 10 { found.append(key) } }
        #expect(found == [key])
    }

    @Test("what was not checkpointed is unknown after a crash, what was is not lost")
    func crash() throws {
        try store.write(bytes(block), to: key, length: 50_000, at: 0)
        try store.checkpoint()
        try store.write(bytes(block), to: key, length: 50_000, at: 16_384)
        let after = try reopened()
        #expect(try after.verified(key, length: 50_000).ranges == [0..<16_384])
        #expect(throws: StorageError.self) { try after.read(key, at: 16_384, count: 1) }
        let raw = try after.unverifiedBytes(key, length: 50_000, at: 16_384, count: block)
        #expect(raw == bytes(block))
        try after.markVerified(key, length: 50_000, range: 16_384..<32_768)
        #expect(try after.read(key, at: 16_384, count: block) == bytes(block))
    }

    @Test("a torn, flipped or foreign record promises nothing")
    func tornRecord() throws {
        try store.write(bytes(block), to: key, length: 50_000, at: 0)
        try store.checkpoint()
        let name = "home/partial/\(key.name).ranges"
        let record = try folder.read(name)
        for damaged in HostileInput.truncations(of: record) + HostileInput.mutations(of: record, count: 300, seed: 3)
        where damaged != record {
            #expect(PartialRecord(damaged) == nil)
        }
        try folder.write(Array(record.dropLast()), to: name)
        #expect(try reopened().verified(key, length: 50_000).isEmpty)
    }

    @Test("a crash between promotion and the removal of the record leaves a clean store")
    func strayRecord() throws {
        let long = bytes(70_000)
        try store.write(long, to: key, length: 70_000, at: 0)
        try store.checkpoint()
        try folder.write([9], to: "home/partial/\(key.name).ranges")
        try folder.write([9], to: "home/partial/\(key.name).ranges.new")
        let after = try reopened()
        #expect(try folder.names(in: "home/partial").isEmpty)
        #expect(try after.read(key, at: 0, count: 70_000) == long)
    }

    @Test("a file of another length than the torrent says starts again")
    func wrongLength() throws {
        try store.write(bytes(block), to: key, length: 50_000, at: 0)
        try store.checkpoint()
        #expect(try reopened().verified(key, length: 60_000).isEmpty)
    }

    @Test("a damaged file is out of service at once and not deleted")
    func damaged() throws {
        try store.write([1, 2], to: key, length: 2, at: 0)
        try store.checkpoint()
        try store.markDamaged(key, range: 0..<2)
        #expect(!store.contains(key))
        #expect(throws: StorageError.self) { try store.read(key, at: 0, count: 1) }
        #expect(try folder.names(in: "home/quarantine") == [key.name])
        #expect(try store.verified(key, length: 2).isEmpty)
    }

    @Test("a damaged range of an unfinished file is forgotten durably")
    func damagedRange() throws {
        try store.write(bytes(block * 3), to: key, length: 80_000, at: 0)
        try store.checkpoint()
        try store.markDamaged(key, range: 16_384..<32_768)
        #expect(try reopened().verified(key, length: 80_000).ranges == [0..<16_384, 32_768..<49_152])
    }

    @Test("a removed file is gone, complete or not")
    func removing() throws {
        try store.write([1, 2], to: key, length: 2, at: 0)
        try store.checkpoint()
        try store.remove(key)
        #expect(!store.contains(key))
        try store.write([1], to: key, length: 2, at: 0)
        try store.remove(key)
        #expect(try folder.names(in: "home/partial").isEmpty)
    }

    @Test("makes room from what was begun and from whole files, only where room is short, and says what went")
    func trim() throws {
        let whole = ContentKey.file(root: Hash.sha256([2]))
        try store.write(bytes(20_000), to: whole, length: 20_000, at: 0)
        try store.checkpoint()
        try store.write(bytes(block), to: key, length: 40_000, at: 0)
        #expect(try store.trim([key, whole], untilFree: 0) == 0)
        let gone = Recorder()
        store.observeLosses { gone.add($0) }
        #expect(try store.trim([key, whole, .file(root: Hash.sha256([3]))], untilFree: .max) == 2)
        #expect(gone.keys == [key, whole], "the largest first")
        #expect(!store.contains(whole) && !store.hasBegun(key))
        #expect(try store.verified(key, length: 40_000).isEmpty)
        // What comes back is said as well; what has never gone is not.
        try store.write(bytes(20_000), to: whole, length: 20_000, at: 0)
        try store.write(bytes(5), to: .file(root: Hash.sha256([4])), length: 5, at: 0)
        try store.checkpoint()
        #expect(gone.keys == [key, whole, whole])
    }

    @Test("everybody who asked is told of what goes, also where somebody else has taken it away; each loss counts")
    func observers() throws {
        let (first, second) = (Recorder(), Recorder())
        store.observeLosses { first.add($0) }
        store.observeLosses { second.add($0) }
        try store.write([1, 2], to: key, length: 2, at: 0)
        try store.checkpoint()
        let before = store.lossCount
        try store.remove(key)
        store.noteMissing(key)
        #expect(first.keys == [key, key] && second.keys == [key, key])
        #expect(store.lossCount == before + 2)
    }

    private final class Recorder: Sendable {
        private let state = Mutex<[ContentKey]>([])
        var keys: [ContentKey] { state.withLock { $0 } }
        func add(_ key: ContentKey) { state.withLock { $0.append(key) } }
    }

    @Test("ranges beyond the file are refused")
    func bounds() throws {
        #expect(throws: StorageError.outOfRange(length: 2)) { try store.write([1, 2], to: key, length: 2, at: 1) }
        #expect(throws: StorageError.outOfRange(length: 2)) { try store.write([1], to: key, length: 2, at: -1) }
        try store.write([1, 2], to: key, length: 2, at: 0)
        try store.checkpoint()
        #expect(throws: StorageError.outOfRange(length: 2)) { try store.read(key, at: 1, count: 2) }
        #expect(throws: StorageError.outOfRange(length: 2)) { try store.read(key, at: -1, count: 1) }
        #expect(throws: StorageError.outOfRange(length: 2)) { try store.read(key, at: .max, count: 1) }
    }

    @Test("keeps more files than it keeps open, from many threads at once")
    func manyFiles() async throws {
        let keys = (0..<40).map { ContentKey.file(root: Hash.sha256([UInt8($0)])) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, key) in keys.enumerated() {
                group.addTask {
                    let content = [UInt8](repeating: UInt8(index), count: 1000)
                    try store.write(content, to: key, length: 1000, at: 0)
                    if index % 7 == 0 { try store.checkpoint() }
                    #expect(try store.read(key, at: 0, count: 1000) == content)
                }
            }
            try await group.waitForAll()
        }
        try store.checkpoint()
        for (index, key) in keys.enumerated() {
            #expect(try store.read(key, at: 999, count: 1) == [UInt8(index)])
        }
    }
}

@Suite("Byte ranges")
struct ByteRangesTests {
    @Test("agree with a set of bytes under any insertions and removals")
    func model() {
        var random = SplitMix64(seed: 11)
        for _ in 0..<50 {
            var ranges = ByteRanges()
            var model: Set<Int64> = []
            for _ in 0..<60 {
                let lower = Int64.random(in: 0..<90, using: &random)
                let range = lower..<lower + Int64.random(in: 0..<12, using: &random)
                if Bool.random(using: &random) {
                    ranges.insert(range)
                    model.formUnion(range)
                } else {
                    ranges.remove(range)
                    model.subtract(range)
                }
                #expect(ranges.ranges.flatMap(Array.init) == model.sorted())
                #expect(ranges.contains(range) == model.isSuperset(of: range))
            }
            for (left, right) in zip(ranges.ranges, ranges.ranges.dropFirst()) {
                #expect(left.upperBound < right.lowerBound)
            }
        }
    }
}
