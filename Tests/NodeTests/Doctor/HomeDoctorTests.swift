// SPDX-License-Identifier: Apache-2.0
import Foundation
import Keys
import Logging
import Storage
import TestSupport
import Testing
import Wire

@testable import Node

// The limit is for the thread sanitizer on a busy machine, where the longest takes eleven minutes.
@Suite("The doctor before a node starts", .timeLimit(.minutes(30)))
struct HomeDoctorTests {
    private let folder = KeysHome()
    private var home: Home { folder.home }

    private func run(repair: Bool) throws -> HomeDoctor.Result { try HomeDoctor(home: home).run(repair: repair) }

    /// What of a home may change by being looked at: the lock, and what SQLite keeps beside an open database.
    private func files() throws -> [String: Data] {
        var files: [String: Data] = [:]
        for name in FileManager.default.enumerator(atPath: home.path)?.allObjects as? [String] ?? []
        where name != "lock" && !name.hasSuffix("-wal") && !name.hasSuffix("-shm") {
            files[name] = FileManager.default.contents(atPath: home.path + "/" + name) ?? Data()
        }
        return files
    }

    /// As a node leaves it that has ended: 300 sites, each with a history of some bytes.
    private func fill() throws -> [SiteRecord] {
        try home.prepare()
        let metadata = try MetadataStore(path: home.database)
        try metadata.write { connection in
            for number in 0..<300 {
                let id = Hash.sha256(Array("\(number)".utf8))
                try connection.save(SiteRecord(id: id, title: "site \(number)", addedAt: Int64(number)))
                try connection.saveFeed([UInt8](repeating: UInt8(number % 256), count: 900), of: id)
            }
        }
        try metadata.checkpoint()
        return try metadata.read { try $0.sites() }
    }

    private func flip(_ name: String, at offsets: [Int]) throws {
        var bytes = try folder.copy(of: name)
        for offset in offsets { bytes[offset] ^= 0xFF }
        try folder.put(bytes, name)
    }

    @Test("a home that is not there, or is sound, gives nothing to say")
    func sound() throws {
        #expect(try run(repair: true) == HomeDoctor.Result())
        #expect(!FileManager.default.fileExists(atPath: home.path))
        _ = try fill()
        _ = try NodeKeys.open(home: home)
        let before = try files()
        #expect(try run(repair: false) == HomeDoctor.Result())
        #expect(try files() == before)
    }

    @Test("a version that no program writes is written anew, and the start says where that is done")
    func version() throws {
        try home.prepare()
        for rubbish in ["x", "two\n", String(repeating: "2", count: 100)] {
            try folder.put(Array(rubbish.utf8), "version")
            let before = try files()
            let found = try run(repair: false)
            #expect(found.findings.map(\.state) == ["problem"] && !found.mayStart)
            #expect(try files() == before)
            let repaired = try run(repair: true)
            #expect(repaired.findings.map(\.state) == ["repaired"] && repaired.mayStart)
            try home.prepare()
        }
        try folder.put(Array("99\n".utf8), "version")
        let before = try files()
        #expect(throws: NodeError.self) { try run(repair: true) }
        #expect(try files() == before)
    }

    @Test("a version without bytes is said, and written anew by the node that starts")
    func emptyVersion() throws {
        try home.prepare()
        for bytes in [[], [0, 0]] as [[UInt8]] {
            try folder.put(bytes, "version")
            let before = try files()
            let found = try run(repair: false)
            #expect(found.findings.map(\.state) == ["problem"] && !found.mayStart)
            #expect(try files() == before)
            let repaired = try run(repair: true)
            #expect(repaired.findings.map(\.state) == ["repaired"] && repaired.mayStart)
            try home.prepare()
        }
    }

    private func context(of home: Home) throws -> NodeContext {
        try NodeParts.context(
            NodeOptions(
                home: home,
                configuration: NodeConfiguration(),
                version: "test",
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
        )
    }

    @Test(
        "where there is content and its database is gone or empty nothing starts, and nothing goes, until its owner says so"
    )
    func lostDatabase() async throws {
        let node = try await PublishingNode()
        let home = node.context.home
        _ = try NodeKeys.open(home: home).peerID()
        try node.write(String(repeating: "1", count: 100_000), to: "site/index.html")
        _ = try await node.publish()
        await node.stop()
        try node.context.metadata.checkpoint()
        let copy = FileManager.default.contents(atPath: home.database).map { Array($0) } ?? []
        for suffix in ["-wal", "-shm", ""] { try home.remove(home.database + suffix) }
        for bytes in [nil, []] as [[UInt8]?] {
            if let bytes { try home.write(bytes, to: home.database) }
            for repair in [false, true] {
                let found = try HomeDoctor(home: home).run(repair: repair)
                #expect(found.findings.count == 1 && !found.mayStart, "\(found)")
                #expect(found.findings.allSatisfy { $0.what.contains("metadata.sqlite is gone") && $0.remedy != nil })
                #expect(throws: NodeError(lostDatabaseOf: home)) { try context(of: home) }
            }
        }
        // Both remedies help.
        try home.write(copy, to: home.database)
        #expect(try HomeDoctor(home: home).run(repair: false) == HomeDoctor.Result())
        try context(of: home).metadata.checkpoint()
        try home.remove(home.database)
        try FileManager.default.moveItem(atPath: home.content, toPath: home.path + "/content.old")
        #expect(try HomeDoctor(home: home).run(repair: false) == HomeDoctor.Result())
        try context(of: home).metadata.checkpoint()
        try? FileManager.default.removeItem(at: node.folder)
    }

    @Test("packs that are not whole are named, and written anew by a repair alone, which says so once")
    func packs() async throws {
        let node = try await PublishingNode()
        let home = node.context.home
        _ = try NodeKeys.open(home: home).peerID()
        for number in 0..<9 { try node.write(String(repeating: "\(number)", count: 3_000), to: "site/\(number).txt") }
        _ = try await node.publish()
        await node.stop()
        #expect(try HomeDoctor(home: home).run(repair: false) == HomeDoctor.Result())
        let good = try home.read(home.content + "/packs/1.pack")
        for damage in [{ $0[$0.count / 2] ^= 4 }, { $0[9] ^= 1 }, { $0.removeLast(20) }] as [(inout [UInt8]) -> Void] {
            try? FileManager.default.removeItem(atPath: home.content + "/packs")
            try FileManager.default.createDirectory(atPath: home.content + "/packs", withIntermediateDirectories: true)
            var bytes = good
            damage(&bytes)
            let path = home.content + "/packs/1.pack"
            try home.write(bytes, to: path)
            let found = try HomeDoctor(home: home).run(repair: false)
            #expect(found.findings.map(\.state) == ["problem"] && !found.mayStart)
            #expect(found.findings.allSatisfy { $0.what.contains("1.pack") })
            #expect(try home.read(path) == bytes)
            #expect(try HomeDoctor(home: home).run(repair: true).mayStart)
            let content = try ContentStore(home: home)
            #expect(content.damagedPacks + content.cutPacks == 1)
            try content.mendPacks()
            #expect(content.damagedPacks + content.cutPacks == 0)
            try content.checkpoint()
            #expect(try HomeDoctor(home: home).run(repair: false) == HomeDoctor.Result())
            var held = 0
            try content.forEachFile { _, _ in held += 1 }
            #expect(held == 8)
        }
        try? FileManager.default.removeItem(at: node.folder)
    }

    @Test("a device key that is lost is said before a node draws another")
    func device() throws {
        let peer = try NodeKeys.open(home: home).peerID()
        try home.remove("\(home.keys)/device.key")
        let found = try run(repair: false)
        #expect(found.findings.map(\.state) == ["problem"] && !found.mayStart)
        #expect(found.findings.allSatisfy { $0.what.contains(peer.digest.hex) })
        #expect(try run(repair: true).mayStart)
    }

    @Test("a device key with a flipped bit is set right; one with more names itself and the least that helps")
    func damagedDevice() throws {
        let keys = try NodeKeys.open(home: home)
        let peer = try keys.peerID()
        _ = try keys.newIdentity(name: "Ada")
        try folder.put(
            try folder.copy(of: "keys/device.key").enumerated().map { $0 == 40 ? $1 ^ 4 : $1 },
            "keys/device.key"
        )
        #expect(throws: NodeError.self) { try NodeKeys.open(home: home) }
        #expect(try run(repair: false).mayStart == false)
        #expect(try run(repair: true).findings.map(\.state) == ["repaired"])
        #expect(try NodeKeys.open(home: home).peerID() == peer)
        try flip("keys/device.key", at: [40, 60])
        let found = try run(repair: true)
        #expect(found.findings.map(\.state) == ["problem"] && !found.mayStart)
        #expect(found.findings.allSatisfy { $0.what.contains("keys/device.key") })
        let error = #expect(throws: NodeError.self) { try NodeKeys.open(home: home) }
        #expect(error?.message.contains("keys/device.key") == true)
        #expect(error?.remedy.contains("move keys/device.key away, and it alone") == true)
        // The remedy helps.
        try home.remove("\(home.keys)/device.key")
        #expect(try NodeKeys.open(home: home).identities().map(\.name) == ["Ada"])
    }

    @Test("of a database with a damaged page all that can be read goes into a new one, and the damaged one is kept")
    func database() throws {
        let sites = try fill()
        let good = try folder.copy(of: "metadata.sqlite")
        let pages = good.count / 4096
        var (whole, unread, losses) = (0, 0, [Int]())
        for page in Swift.stride(from: 2, to: pages, by: 17) {
            var bytes = good
            bytes.replaceSubrange(page * 4096..<(page + 1) * 4096, with: [UInt8](repeating: 0, count: 4096))
            try folder.put(bytes, "metadata.sqlite")
            let before = try files()
            _ = try run(repair: false)
            #expect(try files() == before)
            let found = try run(repair: true)
            // A page that holds nothing is no fault.
            guard let first = found.findings.first else { continue }
            unread += first.state == "repaired" ? 0 : 1
            #expect(found.mayStart)
            // Without the pages that name the tables nothing can be read.
            guard first.state == "repaired" else {
                #expect(first.what.hasPrefix("nothing of the database"), "page \(page): \(found)")
                continue
            }
            let kept = try #require(first.what.split(separator: " ").last.map(String.init))
            #expect(try home.read(kept, limit: 1 << 30) == bytes)
            #expect(try MetadataStore.inspect(path: home.database) == [])
            let metadata = try MetadataStore(path: home.database)
            let left = try metadata.read { try $0.sites() }
            #expect(left.allSatisfy { sites.contains($0) })
            let feeds = try metadata.read { connection in try sites.count { try connection.feed(of: $0.id) != nil } }
            if found.findings.count == 1 {
                #expect(left == sites && feeds == sites.count, "page \(page)")
                whole += 1
            }
            // The page that a table begins with may cost all of it, and no more than that.
            #expect(left.count == 300 || feeds == 300, "page \(page): \(left.count) sites, \(feeds) histories")
            if found.findings.count == 2 { losses.append(600 - left.count - feeds) }
            try home.remove(kept)
        }
        #expect(whole > 0 && unread < 2)
        // What stands before the page and after it is not lost with it.
        #expect(losses.count { $0 < 30 } * 2 > losses.count, "\(losses)")
    }

    @Test("bits that were flipped here and there cost the rows that they hit, and nothing that is left is wrong")
    func flippedBits() throws {
        let sites = try fill()
        let good = try folder.copy(of: "metadata.sqlite")
        var random = SplitMix64(seed: 5)
        var (repaired, counts): (Int, [Int]) = (0, [])
        for _ in 0..<12 {
            var bytes = good
            for _ in 0..<40 {
                bytes[Int.random(in: 4096..<good.count, using: &random)] ^= 1 << Int.random(in: 0..<8, using: &random)
            }
            try folder.put(bytes, "metadata.sqlite")
            let found = try run(repair: true)
            #expect(found.mayStart)
            if found.findings.first?.state == "repaired" { repaired += 1 }
            #expect(try MetadataStore.inspect(path: home.database) == [])
            let metadata = try MetadataStore(path: home.database)
            let left = try metadata.read { try $0.sites() }
            counts.append(left.count)
            #expect(try run(repair: true).findings.isEmpty)
        }
        #expect(repaired > 0)
        // Where the page that the table begins with is hit, little or nothing of it is left.
        #expect(counts.count { $0 > sites.count * 2 / 3 } > counts.count / 2, "\(counts)")
    }

    @Test("an own site whose row was lost is known again by its history")
    func ownSite() async throws {
        let node = try await PublishingNode()
        _ = try NodeKeys.open(home: node.context.home)
        try node.write("1", to: "site/index.html")
        let id = try KeepingServiceTests.id(try await node.publish())
        await node.stop()
        try node.context.metadata.checkpoint()
        let path = node.context.home.database
        // Every page that holds its title and no history: the one of the table of sites.
        var bytes = try node.context.home.read(path, limit: 1 << 30)
        let row = try #require(
            bytes.firstRange(of: Array("site".utf8) + Array(node.folder.path.utf8) + Array("/site".utf8))
        )
        let page = row.lowerBound / 4096 * 4096
        bytes.replaceSubrange(page..<page + 4096, with: [UInt8](repeating: 0, count: 4096))
        try node.context.home.write(bytes, to: path)
        for suffix in ["-wal", "-shm"] { try node.context.home.remove(path + suffix) }
        let found = try HomeDoctor(home: node.context.home).run(repair: true)
        #expect(found.findings.map(\.state) == ["repaired", "problem"], "\(found)")
        let again = try MetadataStore(path: path)
        #expect(try again.read { try $0.site(id) }?.isOwn == true)
        #expect(try again.read { try $0.manifest(of: id, seq: 1) } != nil)
        try? FileManager.default.removeItem(at: node.folder)
    }

    @Test("a database that is none any more is begun anew, which is said, and is kept")
    func noDatabase() throws {
        _ = try fill()
        try flip("metadata.sqlite", at: Array(0..<100))
        let bytes = try folder.copy(of: "metadata.sqlite")
        let error = #expect(throws: MetadataError.self) { try MetadataStore(path: home.database) }
        #expect(error.map { NodeError($0).remedy.contains("`roost doctor`") } == true)
        let found = try run(repair: true)
        #expect(found.findings.map(\.state) == ["problem"] && found.mayStart)
        #expect(try home.read("\(home.path)/quarantine/metadata.sqlite", limit: 1 << 30) == bytes)
        #expect(try MetadataStore(path: home.database).read { try $0.sites() }.isEmpty)
    }
}
