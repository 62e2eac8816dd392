// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Feeds
import Foundation
import Keys
import Synchronization
import TestSupport
import Testing
import Wire

@testable import Storage

@Suite("Publish pass")
struct PublishPassTests {
    private let folder: TemporaryFolder
    private let content: ContentStore

    init() throws {
        folder = try TemporaryFolder()
        content = try ContentStore(home: folder.home)
    }

    private var site: String { folder.path + "/site" }

    private func write(_ name: String, _ bytes: [UInt8]) throws { try folder.write(bytes, to: "site/" + name) }

    private func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
        var random = SplitMix64(seed: seed)
        return random.bytes(count)
    }

    /// Files of all sizes that matter: none, within a block, at its edges, over several pieces.
    private func writeSample() throws {
        for (index, count) in [0, 1, 16_383, 16_384, 16_385, 40_000, 100_000, 5].enumerated() {
            try write("folder\(index % 3)/file\(index)", bytes(count, seed: UInt64(index)))
        }
        try write("index.html", Array("<h1>hello</h1>".utf8))
    }

    private func publish(_ options: PublishOptions = PublishOptions(workers: 3)) throws -> PublishedTree {
        try PublishPass.run(folder: site, into: content, options: options)
    }

    /// Makes every file of the folder older than the two seconds within which times are not trusted.
    private func age() throws {
        // The time of the last change of metadata cannot be set: only waiting ages it, so tests reach into the cache.
        let date = Date(timeIntervalSince1970: 1_000_000_000)
        for name in try FileManager.default.subpathsOfDirectory(atPath: site) {
            try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: site + "/" + name)
        }
    }

    private func read(_ file: ReleaseManifest.File) throws -> [UInt8] {
        guard let root = file.root else { return [] }
        return try content.read(.file(root: root), at: 0, count: Int(file.length))
    }

    @Test("stores every file by its root, and describes both torrents and the directory from it")
    func publishing() throws {
        try writeSample()
        let tree = try publish()
        #expect(tree.tree.manifest.files.count == 9)
        #expect(tree.skipped.isEmpty)
        for file in tree.tree.manifest.files {
            let original = try folder.read("site/" + file.path.joined(separator: "/"))
            #expect(try read(file) == original)
            #expect(file.root == (original.isEmpty ? nil : Merkle.root(of: original)))
        }
        let v2 = try tree.tree.v2Metainfo(
            pieceLayers: Dictionary(tree.pieceLayers.map { ($0.root, $0.hashes) }) { a, _ in a }
        )
        #expect(v2.infoHashes.v2 == tree.hashes.v2)
        #expect(v2.name == "site")
        #expect(v2.filesWithoutPieceLayer.isEmpty)
        #expect(
            v2.files.filter { $0.length > 0 }.map { Int($0.offset) / v2.pieceLength }
                == zip(tree.tree.firstPieces, tree.tree.manifest.files).filter { $0.1.length > 0 }.map(\.0)
        )
        #expect(v2.pieceMap.pieceCount == tree.tree.pieceCount)
        let v1 = try tree.tree.v1Metainfo(pieces: tree.v1Pieces)
        #expect(v1.infoHashes.v1 == tree.hashes.v1)
        let stream = try tree.tree.manifest.files.flatMap { try read($0) }
        let pieces = stride(from: 0, to: stream.count, by: v1.pieceLength).flatMap {
            Hash.sha1(stream[$0..<min($0 + v1.pieceLength, stream.count)]).bytes
        }
        #expect(tree.v1Pieces == pieces)
        #expect(try folder.names(in: "home/tmp").isEmpty)
    }

    @Test("S2-07: one folder has one infohash, whatever the order of its making, its dates and the number of threads")
    func determinism() throws {
        try writeSample()
        let first = try publish()
        try age()
        let second = try publish(PublishOptions(workers: 1))
        #expect(first.hashes == second.hashes)
        #expect(first.directory == second.directory)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: site + "/index.html")
        #expect(try publish().hashes != first.hashes)
    }

    @Test("the directory's root is that of its nodes, and finds the first piece of each file")
    func directory() throws {
        try writeSample()
        let tree = try publish()
        var nodes: [Digest256: [UInt8]] = [:]
        #expect(try tree.tree.directory { nodes[$0] = $1 } == tree.directory)
        #expect(nodes[tree.directory].map { Hash.sha256($0) } == tree.directory)
        #expect(tree.tree.file(at: ["index.html"]) == tree.tree.manifest.files.count - 1)
        #expect(tree.tree.file(at: ["index.htm"]) == nil)
    }

    @Test("the same bytes under two names are kept once")
    func duplicates() throws {
        try write("a", bytes(20_000, seed: 1))
        try write("b", bytes(20_000, seed: 1))
        let tree = try publish()
        #expect(tree.tree.manifest.files[0].root == tree.tree.manifest.files[1].root)
        var count = 0
        try content.forEachFile { _, _ in count += 1 }
        #expect(count == 1)
    }

    @Test("editing the folder afterwards leaves the release as it was")
    func editsAfter() throws {
        try write("page", Array("old".utf8))
        let tree = try publish()
        try write("page", Array("new".utf8))
        #expect(try read(tree.tree.manifest.files[0]) == Array("old".utf8))
        let next = try publish()
        #expect(try read(next.tree.manifest.files[0]) == Array("new".utf8))
        #expect(next.hashes != tree.hashes)
    }

    @Test("editing the folder meanwhile gives a release whose bytes are those of its hashes")
    func editsMeanwhile() throws {
        for number in 0..<30 { try write("file\(number)", bytes(30_000, seed: UInt64(number))) }
        let isDone = Atomic(false)
        let path = site
        let editor = Thread {
            var random = SplitMix64(seed: 1)
            while !isDone.load(ordering: .relaxed) {
                let name = path + "/file\(Int.random(in: 0..<30, using: &random))"
                if Int.random(in: 0..<4, using: &random) == 0 { try? FileManager.default.removeItem(atPath: name) }
                try? Data(random.bytes(Int.random(in: 1..<50_000, using: &random))).write(
                    to: URL(fileURLWithPath: name)
                )
                Thread.sleep(forTimeInterval: 0.0005)
            }
        }
        editor.start()
        defer { isDone.store(true, ordering: .relaxed) }
        for _ in 0..<4 {
            let tree = try publish()
            for file in tree.tree.manifest.files {
                let bytes = try read(file)
                #expect(Int64(bytes.count) == file.length)
                #expect(bytes.isEmpty ? file.root == nil : file.root == Merkle.root(of: bytes))
            }
        }
    }

    @Test("a second publish copies only what changed, once the times have settled")
    func incremental() throws {
        try writeSample()
        let first = try publish()
        #expect(first.copied == first.bytes)
        // As if two seconds had passed.
        let cache = try settledCache()
        try folder.home.write(cache.bytes, to: folder.home.cache + "/" + cacheName())
        try write("index.html", Array("<h1>changed</h1>".utf8))
        let second = try publish()
        #expect(second.copied == 16)
        #expect(second.hashes != first.hashes)
        #expect(try publish(untrusting()).hashes == second.hashes)
    }

    private func untrusting() -> PublishOptions {
        var options = PublishOptions(workers: 2)
        options.trustsTimes = false
        return options
    }

    private func cacheName() throws -> String { try #require(try folder.names(in: "home/cache").first) }

    private func settledCache() throws -> SnapshotCache {
        let root = try OpenFile.open(site, flags: 0)
        let walk = try FolderWalk.run(folder: root, home: folder.home.path)
        var cache = SnapshotCache()
        for entry in walk.entries where entry.status.length > 0 {
            let bytes = try folder.read("site/" + entry.source)
            cache.note(entry.status, root: Merkle.root(of: bytes), now: .max)
        }
        return cache
    }

    @Test("a stored file that the disk has damaged is taken out of service and copied anew")
    func damagedStore() throws {
        try write("page", bytes(70_000, seed: 3))
        let tree = try publish()
        let root = try #require(tree.tree.manifest.files[0].root)
        let path = content.path(of: .file(root: root))
        for damage in [bytes(70_000, seed: 4), []] {
            try folder.home.write(try settledCache().bytes, to: folder.home.cache + "/" + cacheName())
            try Data(damage).write(to: URL(fileURLWithPath: path))
            #expect(try publish().hashes == tree.hashes)
            #expect(try read(tree.tree.manifest.files[0]) == bytes(70_000, seed: 3))
        }
    }

    @Test("a packed file that the disk has damaged is taken out of service and copied anew")
    func damagedPack() throws {
        try write("page", bytes(20_000, seed: 3))
        let tree = try publish()
        try folder.home.write(try settledCache().bytes, to: folder.home.cache + "/" + cacheName())
        var pack = try folder.read("home/content/packs/1.pack")
        pack[9000] ^= 4
        try folder.write(pack, to: "home/content/packs/1.pack")
        #expect(try publish().hashes == tree.hashes)
        #expect(try read(tree.tree.manifest.files[0]) == bytes(20_000, seed: 3))
        #expect(try folder.names(in: "home/quarantine").count == 1)
    }

    @Test("verifying finds a damaged file and takes it out of service")
    func verifying() throws {
        try write("page", bytes(70_000, seed: 3))
        let root = try #require(try publish().tree.manifest.files[0].root)
        #expect(try content.verify(root) == .sound)
        var damaged = bytes(70_000, seed: 3)
        damaged[69_999] ^= 1
        try Data(damaged).write(to: URL(fileURLWithPath: content.path(of: .file(root: root))))
        #expect(try content.verify(root) == .damaged)
        #expect(try content.verify(root) == .missing)
        #expect(throws: StorageError.self) { try content.read(.file(root: root), at: 0, count: 1) }
    }

    @Test("a cancelled pass leaves nothing behind")
    func cancelling() throws {
        try writeSample()
        var options = PublishOptions(workers: 2)
        let calls = Atomic(0)
        options.isCancelled = { calls.wrappingAdd(1, ordering: .relaxed).newValue > 5 }
        #expect(throws: PublishError.cancelled) { try publish(options) }
        #expect(try folder.names(in: "home/tmp").isEmpty)
    }

    @Test("an empty folder, and what is no folder, is refused")
    func nothing() throws {
        #expect(throws: PublishError.notAFolder(path: site)) { try publish() }
        try write("empty", [])
        #expect(throws: PublishError.nothingToPublish(path: site)) { try publish() }
        #expect(throws: PublishError.notAFolder(path: site + "/empty")) {
            try PublishPass.run(folder: site + "/empty", into: content)
        }
    }

    @Test("progress ends at the number of bytes")
    func progress() throws {
        try writeSample()
        let last = Mutex<(Int64, Int64)>((0, 0))
        var options = PublishOptions(workers: 1)
        options.report = { stage, done, total in if stage == .hashing { last.withLock { $0 = (done, total) } } }
        let tree = try publish(options)
        #expect(last.withLock { $0 } == (tree.bytes, tree.bytes))
    }

    @Test("a release that changes one file costs a five-hundredth of the site at most, beside the change")
    func manyReleases() throws {
        for number in 0..<400 {
            try write("folder\(number % 20)/page\(number).html", bytes(25_000, seed: UInt64(number)))
        }
        let metadata = try MetadataStore(path: folder.home.database)
        let site = Hash.sha256([1])
        var first: Int64 = 0
        for seq in 1...20 as ClosedRange<Int64> {
            try write("folder3/page43.html", bytes(25_000 + Int(seq), seed: UInt64(seq) + 1000))
            let tree = try publish()
            try metadata.write { metadata in
                try tree.save(
                    as: ReleaseRecord(
                        site: site,
                        seq: seq,
                        v1: tree.hashes.v1,
                        v2: try #require(tree.hashes.v2),
                        directory: tree.directory,
                        pieceLength: tree.tree.pieceLength,
                        storedAt: 1
                    ),
                    in: metadata
                )
            }
            if seq == 1 {
                try metadata.checkpoint()
                first = try usage()
            }
        }
        try metadata.checkpoint()
        let changes: Int64 = 19 * 25_020
        #expect(try usage() - first <= changes + 19 * 400 * 25_000 / 500)
        let manifest = try #require(try metadata.read { try $0.manifest(of: site, seq: 17) })
        let record = try #require(try metadata.read { try $0.release(of: site, seq: 17) })
        #expect(try metadata.read { try $0.v1Pieces(of: site, seq: 17) } != nil)
        #expect(try metadata.read { try $0.v1Pieces(of: site, seq: 16) } == nil)
        let derived = try SiteTree(manifest: manifest, pieceLength: record.pieceLength)
        let pieces = try #require(try derived.v1Pieces(from: content))
        #expect(try metadata.read { try $0.v1Pieces(of: site, seq: 17) } == pieces)
        #expect(try derived.v1Metainfo(pieces: pieces).infoHashes.v1 == record.v1)
        #expect(try derived.v2Metainfo().infoHashes.v2 == record.v2)
        #expect(try derived.directory() == record.directory)
    }

    /// Bytes of all files of the home.
    private func usage() throws -> Int64 {
        var sum: Int64 = 0
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder.home.path) {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.home.path + "/" + name)
            if attributes[.type] as? FileAttributeType == .typeRegular { sum += (attributes[.size] as? Int64) ?? 0 }
        }
        return sum
    }
}

@Suite("Snapshot cache")
struct SnapshotCacheTests {
    private func status(_ inode: UInt64) throws -> FileStatus {
        var status = try Disk.status(of: "/")
        status.inode = inode
        status.modified = 1_000_000_000_000
        status.changed = 1_000_000_000_000
        return status
    }

    @Test("knows a file by inode, length and both times, and nothing that changed within two seconds")
    func settling() throws {
        var cache = SnapshotCache()
        let root = Hash.sha256([1])
        cache.note(try status(1), root: root, now: 1_001_000_000_000)
        #expect(cache.root(of: try status(1)) == nil)
        cache.note(try status(1), root: root, now: 1_003_000_000_000)
        #expect(cache.root(of: try status(1)) == root)
        #expect(SnapshotCache(cache.bytes) == cache)
        var changed = try status(1)
        changed.changed += 1
        #expect(cache.root(of: changed) == nil)
        #expect(cache.root(of: try status(2)) == nil)
    }

    @Test("damaged bytes are no cache")
    func hostile() throws {
        var cache = SnapshotCache()
        for inode in 0..<5 as Range<UInt64> { cache.note(try status(inode), root: Hash.sha256([1]), now: .max) }
        for damaged in HostileInput.mutations(of: cache.bytes, count: 500, seed: 2) where damaged != cache.bytes {
            #expect(SnapshotCache(damaged) == nil)
        }
        #expect(SnapshotCache([]) == nil)
    }
}
