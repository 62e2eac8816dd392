// SPDX-License-Identifier: Apache-2.0
import Feeds
import Foundation
import Kademlia
import Keys
import Storage
import TestSupport
import Testing
import Wire

@testable import Node

@Suite("Nodes on homes that earlier builds wrote", .timeLimit(.minutes(5)))
struct KeptNodeTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "roost-kept-\(UUID().uuidString)")

    private var home: Home { Home(path: folder.path + "/home") }

    /// A node on a copy of the home, which it has opened as every node does.
    private func opened(_ sample: KeptHome) async throws -> (node: PublishingNode, lock: HomeLock) {
        try sample.copy(to: home.path)
        let lock = try home.open()
        return (try await PublishingNode(at: folder), lock)
    }

    private static func id(_ address: String) throws -> Digest256 {
        try #require(Digest256(hex: address.dropFirst("betanet://".count)))
    }

    @Test("The doctor finds nothing wrong with it", arguments: KeptHome.all)
    func doctor(sample: KeptHome) async throws {
        let (node, lock) = try await opened(sample)
        let report = try await DoctorTests.doctor(node).run(repair: false) { _ in }
        // The clock of this machine may be behind that of the one that wrote it.
        let findings = report.findings.filter { !$0.what.hasPrefix("the clock says") }
        #expect(findings.count > 4 && findings.allSatisfy { $0.state == "ok" }, "\(findings)")
        await node.end()
        withExtendedLifetime(lock) {}
    }

    @Test("Its site is read as it was published, and has a next release", arguments: KeptHome.all)
    func nextRelease(sample: KeptHome) async throws {
        let (node, lock) = try await opened(sample)
        let site = try Self.id(sample.made.garden)
        try await expectFiles(of: sample, in: "before", node)
        try node.write("<h1>Autumn", to: "garden/index.html")
        let next = try await node.publish("garden", site: sample.made.garden)
        #expect(next.site == sample.made.garden && next.seq == 3 && next.label == "1.0.2")
        let feed = try #require(try await node.sites.feed(of: site))
        #expect(feed.state.releases.map(\.release.v2.hex) == sample.made.releases.map(\.v2) + [next.v2])
        #expect(node.sites.isHeld(site))
        await node.end()
        withExtendedLifetime(lock) {}
    }

    private func expectFiles(of sample: KeptHome, in name: String, _ node: PublishingNode) async throws {
        let target = folder.appending(path: name)
        let roots = try #require(sample.made.files["garden"]).flatMap(\.values).compactMap(\.root)
        // Otherwise it would ask for peers, who do not come, for minutes.
        for root in roots {
            try #require(node.context.content.contains(.file(root: try #require(Digest256(hex: root)))))
        }
        let request = FetchRequest(link: sample.made.garden, directory: target.path, peers: [], trace: false)
        _ = try await node.fetcher.fetch(request) { _ in }
        let stated = try #require(sample.made.files["garden"]?.last)
        for (path, file) in stated {
            let bytes = try Data(contentsOf: target.appending(path: path))
            #expect(Hash.sha256([UInt8](bytes)).hex == file.sha256, "\(path)")
            let isExecutable = FileManager.default.isExecutableFile(atPath: target.appending(path: path).path)
            #expect(isExecutable == file.executable, "\(path)")
        }
    }

    @Test("Its histories are read, prove themselves, and are written as they stand there", arguments: KeptHome.all)
    func feeds(sample: KeptHome) throws {
        try sample.copy(to: home.path)
        let metadata = try MetadataStore(path: home.database)
        for address in [sample.made.garden, sample.made.notes, sample.made.film] {
            let site = try Self.id(address)
            let feed = try #require(try FeedShelf(metadata: metadata).feed(of: site))
            #expect(try metadata.read { try $0.feed(of: site) } == feed.encoded)
        }
        let feed = try #require(try FeedShelf(metadata: metadata).feed(of: try Self.id(sample.made.garden)))
        #expect(feed.state.releases.map(\.release.label) == sample.made.releases.map(\.label))
        #expect(feed.state.releases.map(\.release.v2.hex) == sample.made.releases.map(\.v2))
        for row in sample.read.metadata.items {
            let target = try #require(Digest160(hex: row.target))
            let record = try #require(try metadata.read { try $0.item(target) })
            let item = try #require(record.mutableItem)
            #expect(item.target == target && item.sequence == row.seq)
            #expect(ItemRecord(item, keepsAlive: record.keepsAlive, putAt: record.putAt) == record)
        }
        try? FileManager.default.removeItem(at: folder)
    }

    @Test(
        "Its identities are listed, and all its keys open and are written as they stand there",
        arguments: KeptHome.all
    )
    func keys(sample: KeptHome) throws {
        try sample.copy(to: home.path)
        let keys = NodeKeys(home: home)
        #expect(try keys.peerID().description == sample.made.peer)
        #expect(Set(try keys.identities().map(\.name)) == Set(sample.made.identities))
        #expect(try keys.identities().allSatisfy { $0.devices == 1 })
        for stated in sample.read.identities {
            let known = try keys.knownIdentity(stated.name)
            #expect(known.identity.id.hex == stated.id && known.added == stated.added)
            #expect(known.statements.count == stated.statements)
            #expect(known.encoded == (try sample.bytes("keys/identity-\(stated.id).public")))
            let secret = try keys.identityKeys(of: known)
            let content = try #require(sample.read.keys["identity-\(stated.id)"])
            var file = IdentityKeyFile(keys: secret, known: known)
            // The copy of the public half came later, and is in the file since it was opened.
            #expect(try keys.copyOfPublic(known.identity.id)?.encoded == known.encoded)
            file.known = nil
            #expect(Hex.encode(file.encoded) == content)
        }
        let site = try Self.id(sample.made.garden)
        #expect(try keys.ownSites() == [site])
        #expect(try keys.siteKeys(for: site).signing.publicKey.description == sample.made.releases[0].key)
        let content = try #require(sample.read.keys["site-\(site)"].flatMap { Hex.decode($0) })
        #expect(SiteKeyFile(encoded: content)?.encoded == content)
        let kit = try RecoveryKit(String(decoding: try sample.bytes("recovery/\(site).kit"), as: UTF8.self))
        #expect(kit.kind == .site && kit.subject == site)
        try? FileManager.default.removeItem(at: folder)
    }

    @Test("One of a later layout is refused by name, with what to do, and keeps its keys", arguments: KeptHome.all)
    func later(sample: KeptHome) async throws {
        try sample.copy(to: home.path)
        let version = Home.layoutVersion + 1
        try Data("\(version)\n".utf8).write(to: folder.appending(path: "home/version"))
        let before = try KeptHome.everything(in: home.path)
        do throws(StorageError) {
            _ = try home.open()
            Issue.record("opened")
        } catch {
            let error = NodeError(error)
            #expect(error.kind == .configuration && error.message.contains("layout \(version)"))
            #expect(error.remedy.contains("Use that version"))
        }
        #expect(throws: NodeError.self) { try NodeKeys(home: home).newIdentity(name: "third") }
        #expect(try KeptHome.everything(in: home.path) == before)
        try? FileManager.default.removeItem(at: folder)
    }
}
