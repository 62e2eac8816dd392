// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import Keys
import TestSupport
import Testing
import Wire

@testable import Storage

@Suite("Metadata database")
struct MetadataStoreTests {
    private let folder: TemporaryFolder
    private let store: MetadataStore

    init() throws {
        folder = try TemporaryFolder()
        try folder.home.prepare()
        store = try MetadataStore(path: folder.home.database)
    }

    private func hash(_ number: Int) -> Digest256 { Hash.sha256(Array("\(number)".utf8)) }

    private func site(_ number: Int) -> SiteRecord {
        SiteRecord(id: hash(number), title: "site", addedAt: Int64(number))
    }

    private func release(_ site: Int, _ seq: Int64) -> ReleaseRecord {
        ReleaseRecord(
            site: hash(site),
            seq: seq,
            v1: Hash.sha1([UInt8(seq)]),
            v2: hash(Int(seq) + 1000),
            directory: hash(Int(seq) + 2000),
            pieceLength: 16_384,
            storedAt: 5
        )
    }

    private func manifest(_ count: Int, changing: Int? = nil) -> ReleaseManifest {
        ReleaseManifest(
            files: (0..<count).map { index in
                ReleaseManifest.File(
                    path: ["html", "folder\(index / 100)", "page\(index).html"],
                    length: Int64(index % 7) * 1000,
                    root: index % 7 == 0 ? nil : hash(index == changing ? -1 : index),
                    isExecutable: index % 3 == 0
                )
            }
        )
    }

    @Test("Descriptions of torrents are bounded: those kept longest ago go first, pinned ones never")
    func torrentBounds() throws {
        let kept = try store.write { connection in
            for number: UInt8 in 1...6 {
                let bytes = [UInt8](repeating: 0, count: 100)
                let hash = Hash.sha1([number])
                var record = TorrentRecord(v1: hash, v2: nil, name: "\(number)", metainfo: bytes, addedAt: 0)
                record.isPinned = number == 1
                try connection.save(record)
            }
            try connection.trimTorrents(count: 4, bytes: 1000)
            let byCount = try connection.torrents().map(\.name)
            try connection.trimTorrents(count: 100, bytes: 250)
            return [byCount, try connection.torrents().map(\.name)]
        }
        #expect(kept == [["1", "3", "4", "5", "6"], ["1", "5", "6"]])
    }

    @Test("is its user's alone")
    func mode() throws { #expect(try folder.permissions(of: "home/metadata.sqlite") == 0o600) }

    @Test("sites come back as they were saved, also after the database was opened again")
    func sites() throws {
        var own = site(1)
        own.key = PublicKey([UInt8](repeating: 7, count: 32))
        own.salt = [1, 2]
        own.folder = "/tmp/site"
        own.keyName = "site-1"
        own.isOwn = true
        let saved = own
        try store.write { try $0.save(saved) }
        try store.write { try $0.save(site(2)) }
        let again = try MetadataStore(path: folder.home.database)
        #expect(try again.read { try $0.sites() } == [own, site(2)])
        #expect(try again.read { try $0.site(hash(3)) } == nil)
    }

    @Test("a commit is synced before it is acknowledged (PRAGMA synchronous = FULL), which a pool in WAL mode lowers")
    func synchronous() throws {
        let level = try store.write { try Int.fetchOne($0.db, sql: "PRAGMA synchronous") }
        #expect(level == 2)
    }

    @Test("a transaction that throws leaves nothing")
    func atomicity() throws {
        struct Stop: Error {}
        #expect(throws: MetadataError.self) {
            try store.write { metadata in
                try metadata.save(site(1))
                throw Stop()
            }
        }
        #expect(try store.read { try $0.sites() }.isEmpty)
    }

    @Test("removing a site keeps its highest head and the evidence against it")
    func removeSite() throws {
        let evidence = Evidence(site: hash(1), kind: "fork", bytes: [1, 2], foundAt: 3)
        try store.write { metadata in
            try metadata.save(site(1))
            try metadata.saveFeed([1], of: hash(1))
            try metadata.saveHighestHead([9], size: 4, of: hash(1))
            try metadata.add(evidence)
            try metadata.add(evidence)
            try metadata.save(release(1, 1), manifest: manifest(10), v1Pieces: [1, 2, 3])
            try metadata.removeSite(hash(1))
        }
        try store.read { (metadata) throws in
            #expect(try metadata.site(hash(1)) == nil)
            #expect(try metadata.feed(of: hash(1)) == nil)
            #expect(try metadata.releases(of: hash(1)).isEmpty)
            #expect(try metadata.highestHead(of: hash(1))?.size == 4)
            #expect(try metadata.evidence(against: hash(1)) == [evidence])
        }
    }

    @Test("evidence against one site is bounded")
    func evidenceBound() throws {
        try store.write { metadata in
            for number in 0..<100 {
                try metadata.add(Evidence(site: hash(1), kind: "fork", bytes: [UInt8(number)], foundAt: 1))
            }
        }
        #expect(try store.read { try $0.evidence(against: hash(1)) }.count == MetadataConnection.maximumEvidence)
    }

    @Test("releases are found by site, infohash and directory; a manifest comes back file for file")
    func releases() throws {
        try store.write { metadata in
            try metadata.save(release(1, 1), manifest: manifest(1000), v1Pieces: [1, 2])
            try metadata.save(release(1, 2))
        }
        try store.read { (metadata) throws in
            #expect(try metadata.releases(of: hash(1)) == [release(1, 1), release(1, 2)])
            #expect(try metadata.release(v2: hash(1002)) == release(1, 2))
            #expect(try metadata.release(v1: Hash.sha1([1])) == release(1, 1))
            #expect(try metadata.release(directory: hash(2001)) == release(1, 1))
            #expect(try metadata.release(directory: hash(2002)) == nil)
            #expect(try metadata.manifest(of: hash(1), seq: 1) == manifest(1000))
            #expect(try metadata.manifest(of: hash(1), seq: 2) == nil)
            #expect(try metadata.v1Pieces(of: hash(1), seq: 1) == [1, 2])
        }
        try store.write { try $0.save(release(1, 1)) }
        #expect(try store.read { try $0.manifest(of: hash(1), seq: 1) } == manifest(1000))
    }

    @Test("a release that changes one file shares the chunks of all others, and removing it removes its own only")
    func sharing() throws {
        try store.write { try $0.save(release(1, 1), manifest: manifest(2000)) }
        let before = try chunkCount()
        try store.write { try $0.save(release(1, 2), manifest: manifest(2000, changing: 1002)) }
        #expect(try chunkCount() == before + 1)
        #expect(before > 10)
        try store.write { try $0.removeRelease(of: hash(1), seq: 1) }
        #expect(try chunkCount() == before)
        #expect(try store.read { try $0.manifest(of: hash(1), seq: 2) } == manifest(2000, changing: 1002))
    }

    @Test("a list of files that is not whole is none, and is whole when it is stored again")
    func damagedChunks() throws {
        try store.write { try $0.save(release(1, 1), manifest: manifest(2000)) }
        for damage in ["DELETE FROM manifestChunk", "UPDATE manifestChunk SET bytes = x'00ff'"] {
            try store.write { try $0.execute(damage, []) }
            #expect(throws: MetadataError.invalidValue(table: "manifestChunk")) {
                try store.read { try $0.manifest(of: hash(1), seq: 1) }
            }
            #expect(try store.read { try $0.soundManifest(of: hash(1), seq: 1) } == nil)
            try store.write { try $0.save(release(1, 1), manifest: manifest(2000)) }
            #expect(try store.read { try $0.soundManifest(of: hash(1), seq: 1) } == manifest(2000))
        }
    }

    private func chunkCount() throws -> Int {
        try store.read { try $0.rows("SELECT hash FROM manifestChunk") { _ in () }.count }
    }

    @Test("damaged manifest chunks are refused or read, never a trap")
    func hostileManifest() throws {
        let chunk = try #require(manifest(70).chunks.first)
        for damaged in HostileInput.mutations(of: chunk.bytes, count: 1500, seed: 5)
            + HostileInput.truncations(of: Array(chunk.bytes.prefix(200)))
        {
            _ = ReleaseManifest(chunks: [damaged])
        }
        var random = SplitMix64(seed: 6)
        for _ in 0..<500 { _ = ReleaseManifest(chunks: [random.bytes(Int.random(in: 0...300, using: &random))]) }
    }

    @Test("paths that Unicode holds equal are two files")
    func unicode() {
        let files = ["caf\u{E9}", "cafe\u{301}"].map {
            ReleaseManifest.File(path: [$0], length: 0, root: nil, isExecutable: false)
        }
        #expect(files[0] != files[1])
        #expect(ReleaseManifest(chunks: ReleaseManifest(files: files).chunks.map(\.bytes))?.files == files)
    }

    @Test("hashes and nodes come back by name")
    func hashes() throws {
        try store.write { metadata in
            try metadata.savePieceLayer([1, 2], of: hash(1), pieceLength: 32_768)
            try metadata.saveDirectoryNode([3], hash: hash(2), site: hash(9))
        }
        try store.read { (metadata) throws in
            #expect(try metadata.pieceLayer(of: hash(1), pieceLength: 32_768) == [1, 2])
            #expect(try metadata.pieceLayer(of: hash(1), pieceLength: 65_536) == nil)
            #expect(try metadata.directoryNode(hash(2)) == [3])
        }
    }

    @Test("an item's number never goes down")
    func items() throws {
        let item = ItemRecord(target: .zero, seq: 5, bytes: [1], keepsAlive: true, putAt: 9)
        var older = item
        older.seq = 4
        let lower = older
        #expect(try store.write { try $0.save(item) })
        #expect(try !store.write { try $0.save(lower) })
        #expect(try store.read { try $0.item(.zero) } == item)
        #expect(try store.read { try $0.itemsToKeepAlive() } == [item])
    }

    @Test("torrents, announces and settings come back")
    func others() throws {
        let torrent = TorrentRecord(v1: .zero, v2: nil, name: "t", metainfo: [1], resume: [2], addedAt: 3)
        try store.write { metadata in
            try metadata.save(torrent)
            try metadata.save(torrent)
            try metadata.saveAnnounce(of: .zero, at: 7)
            try metadata.saveSetting("a", [1])
            try metadata.saveSetting("b", [2])
            try metadata.saveSetting("b", nil)
        }
        try store.read { (metadata) throws in
            #expect(try metadata.torrents() == [torrent])
            #expect(try metadata.announces() == [.zero: 7])
            #expect(try metadata.setting("a") == [1])
            #expect(try metadata.setting("b") == nil)
        }
    }

    @Test("a damaged database is named as such, whatever is in the file", arguments: 0..<12)
    func damaged(seed: UInt64) throws {
        try store.write { metadata in for number in 0..<50 { try metadata.save(site(number)) } }
        try store.checkpoint()
        var random = SplitMix64(seed: seed)
        let path = folder.path + "/damaged.sqlite"
        var bytes = try folder.read("home/metadata.sqlite")
        if seed < 4 {
            bytes = random.bytes(4096)
        } else {
            for _ in 0..<200 { bytes[Int.random(in: bytes.indices, using: &random)] = random.bytes(1)[0] }
        }
        try folder.write(bytes, to: "damaged.sqlite")
        do {
            let store = try MetadataStore(path: path)
            _ = try store.check()
            _ = try store.read { try $0.sites() }
        } catch {
            if seed < 4 { #expect(error == .damaged(path: path)) }
        }
    }

    @Test("a database of a later version is left alone")
    func later() throws {
        try store.write { try $0.execute("INSERT INTO grdb_migrations VALUES ('99')", []) }
        #expect(throws: MetadataError.tooNew(path: folder.home.database)) {
            try MetadataStore(path: folder.home.database)
        }
    }

    @Test("a sound database checks clean")
    func check() throws { #expect(try store.check().isEmpty) }
}
