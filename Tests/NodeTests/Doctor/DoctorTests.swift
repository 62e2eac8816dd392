// SPDX-License-Identifier: Apache-2.0
import Feeds
import Foundation
import Storage
import Testing
import Wire

@testable import Node

@Suite("The doctor", .timeLimit(.minutes(15)))
struct DoctorTests {
    static func doctor(_ node: PublishingNode) -> Doctor {
        Doctor(context: node.context, sites: node.sites, swarms: node.swarms)
    }

    @Test("a sound home is healthy")
    func sound() async throws {
        let node = try await PublishingNode()
        try node.write("1", to: "site/index.html")
        _ = try await node.publish()
        let report = try await Self.doctor(node).run(repair: false) { _ in }
        #expect(report.healthy)
        #expect(report.findings.allSatisfy { $0.state == "ok" })
        await node.end()
    }

    @Test("a damaged file of an own site is found, and comes back from the unchanged folder")
    func own() async throws {
        let node = try await PublishingNode()
        try node.write("one", to: "site/index.html")
        try node.write("two", to: "site/other.html")
        let id = try KeepingServiceTests.id(try await node.publish())
        let roots = try KeepingServiceTests.roots(id, node)
        try node.damage(roots[0])
        let found = try await Self.doctor(node).run(repair: false) { _ in }
        #expect(!found.healthy)
        #expect(found.findings.filter { $0.state == "problem" }.allSatisfy { $0.remedy?.isEmpty == false })
        #expect(node.context.content.length(of: .file(root: roots[0])) != nil)
        let repaired = try await Self.doctor(node).run(repair: true) { _ in }
        #expect(repaired.healthy)
        #expect(try node.context.content.verify(roots[0]) == .sound)
        #expect(node.sites.heldReleases(of: id) == [1])
        await node.end()
    }

    @Test("without repair nothing on the disk changes, and what the next look mends it says")
    func onlyReports() async throws {
        let (publisher, reader, site) = try await FetcherTests.world()
        let id = try KeepingServiceTests.id(site)
        // One file in a pack and one by itself, of a site of one's own and of one that was only read.
        _ = try await reader.fetch(site.site, from: publisher, to: nil)
        for node in [publisher, reader] {
            for root in try KeepingServiceTests.roots(id, node) { try node.damage(root) }
            let before = try Self.content(node)
            let found = try await Self.doctor(node).run(repair: false) { _ in }
            #expect(!found.healthy)
            #expect(found.findings.allSatisfy { $0.state != "repaired" }, "\(found.findings)")
            #expect(try Self.content(node) == before)
        }
        for node in [reader, publisher] {
            let mended = try await Self.doctor(node).run(repair: true) { _ in }
            #expect(mended.findings.contains { $0.state == "repaired" }, "\(mended.findings)")
        }
        await reader.end()
        await publisher.end()
    }

    /// Every file of the store and of the quarantine.
    private static func content(_ node: PublishingNode) throws -> [String: Data] {
        var files: [String: Data] = [:]
        for folder in ["content", "quarantine", "partial"] {
            let path = "\(node.context.home.path)/\(folder)"
            for name in FileManager.default.enumerator(atPath: path)?.allObjects as? [String] ?? [] {
                files["\(folder)/\(name)"] = FileManager.default.contents(atPath: "\(path)/\(name)") ?? Data()
            }
        }
        return files
    }

    @Test("a link or a folder in the place of a file of content is a finding, is never followed, and is mended")
    func planted() async throws {
        let node = try await PublishingNode()
        // Longer than what is packed.
        try node.write(String(repeating: "one", count: 30_000), to: "site/index.html")
        try node.write(String(repeating: "two", count: 30_000), to: "site/other.html")
        try node.write("elsewhere", to: "secret")
        let roots = try KeepingServiceTests.roots(try KeepingServiceTests.id(try await node.publish()), node)
        let paths = roots.map { "\(node.context.home.path)/content/\($0.hex.prefix(2))/\($0.hex)" }
        for path in paths { try FileManager.default.removeItem(atPath: path) }
        let secret = node.folder.appending(path: "secret").path
        try FileManager.default.createSymbolicLink(atPath: paths[0], withDestinationPath: secret)
        try FileManager.default.createDirectory(atPath: paths[1], withIntermediateDirectories: false)
        let found = try await Self.doctor(node).run(repair: false) { _ in }
        #expect(!found.healthy)
        let repaired = try await Self.doctor(node).run(repair: true) { _ in }
        #expect(repaired.healthy, "\(repaired.findings)")
        for root in roots { #expect(try node.context.content.verify(root) == .sound) }
        #expect(try node.text("secret") == "elsewhere")
        await node.end()
    }

    @Test(
        "a pack of small files that is gone, or is a link, is a finding and comes back from the folder",
        arguments: [true, false]
    )
    func lostPack(isLink: Bool) async throws {
        let node = try await PublishingNode()
        try node.write("one", to: "site/index.html")
        try node.write("two", to: "site/other.html")
        try node.write("elsewhere", to: "secret")
        let roots = try KeepingServiceTests.roots(try KeepingServiceTests.id(try await node.publish()), node)
        let pack = "\(node.context.home.content)/packs/1.pack"
        try FileManager.default.removeItem(atPath: pack)
        if isLink {
            let secret = node.folder.appending(path: "secret").path
            try FileManager.default.createSymbolicLink(atPath: pack, withDestinationPath: secret)
        }
        let reopened = try ContentStore(home: node.context.home)
        for root in roots { #expect(!reopened.contains(.file(root: root))) }
        await node.end()
    }

    @Test("a node that joins no DHT is not ill for knowing no node of it; one that has nodes to start from is")
    func noNetwork() {
        var configuration = NodeConfiguration()
        #expect(Doctor.dht(0, configuration).map(\.state) == ["problem"])
        configuration.network = "none"
        #expect(Doctor.dht(0, configuration).map(\.state) == ["ok"])
        configuration.bootstrap = ["127.0.0.1:9"]
        #expect(Doctor.dht(0, configuration).map(\.state) == ["problem"])
    }

    @Test("a damaged file of a pinned site comes back from a peer")
    func pinned() async throws {
        let (publisher, reader, site) = try await FetcherTests.world()
        let id = try KeepingServiceTests.id(site)
        _ = try await reader.fetch(site.site, from: publisher, to: nil)
        #expect(try await reader.keeping.change(id, .pin) == nil)
        let root = try KeepingServiceTests.roots(id, reader)[0]
        try reader.damage(root)
        let report = try await Self.doctor(reader).run(repair: true) { _ in }
        #expect(report.healthy, "\(report.findings)")
        #expect(report.findings.contains { $0.state == "repaired" })
        #expect(try reader.context.content.verify(root) == .sound)
        await reader.end()
        await publisher.end()
    }

    @Test("broken settings, deny lists, keys and histories are named with a remedy")
    func broken() async throws {
        let node = try await PublishingNode()
        try node.write("1", to: "site/index.html")
        let id = try KeepingServiceTests.id(try await node.publish())
        try node.write("serve = \"nonsense\"\n", to: "home/config.toml")
        try node.write("site abc\n", to: "home/deny/bad.deny")
        try node.context.metadata.write { try $0.saveFeed([1, 2, 3], of: id) }
        for name in try node.names(in: "home/keys") where name.hasPrefix("site-") {
            try node.write("garbage", to: "home/keys/\(name)")
        }
        let report = try await Self.doctor(node).run(repair: false) { _ in }
        let problems = report.findings.filter { $0.state == "problem" }
        for subject in ["'serve'", "deny list 'bad'", "keys/site-\(id.hex).key", "history of site \(id.hex)"] {
            #expect(problems.contains { $0.what.contains(subject) }, "\(subject): \(problems)")
        }
        #expect(problems.allSatisfy { $0.remedy?.isEmpty == false })
        await node.end()
    }

    @Test("an own site without its history is a problem")
    func noHistory() async throws {
        let node = try await PublishingNode()
        try node.write("1", to: "site/index.html")
        let id = try KeepingServiceTests.id(try await node.publish())
        try node.context.metadata.write { try $0.removeFeed(of: id) }
        let report = try await Self.doctor(node).run(repair: false) { _ in }
        let problems = report.findings.filter { $0.state == "problem" }
        #expect(problems.count == 1 && problems.allSatisfy { $0.what.contains("the history of your site") })
        await node.end()
    }

    @Test("a list of files that was lost with a part of the database comes again from the folder that was published")
    func relisted() async throws {
        let node = try await PublishingNode()
        try node.write("1", to: "site/index.html")
        try node.write(String(repeating: "2", count: 100_000), to: "site/large.bin")
        let id = try KeepingServiceTests.id(try await node.publish())
        let whole = try node.context.metadata.read { try $0.manifest(of: id, seq: 1) }
        try node.context.metadata.write { connection in
            let record = try #require(try connection.site(id))
            let feed = try #require(try connection.feed(of: id))
            try connection.removeSite(id)
            try connection.save(record)
            try connection.saveFeed(feed, of: id)
        }
        let mended = try await Self.doctor(node).run(repair: true) { _ in }
        #expect(mended.healthy && mended.findings.contains { $0.state == "repaired" }, "\(mended.findings)")
        #expect(try node.context.metadata.read { try $0.manifest(of: id, seq: 1) } == whole)
        #expect(node.sites.heldReleases(of: id) == [1])
        #expect(try await Self.doctor(node).run(repair: true) { _ in }.findings.allSatisfy { $0.state == "ok" })
        await node.end()
    }

    @Test("an own site of which nothing but the history is left is a problem at every look")
    func lostReleases() async throws {
        let node = try await PublishingNode()
        try node.write("1", to: "site/index.html")
        let id = try KeepingServiceTests.id(try await node.publish())
        try Self.loseRelease(of: id, node)
        for repair in [false, true, true] {
            let report = try await Self.doctor(node).run(repair: repair) { _ in }
            let problems = report.findings.filter { $0.state == "problem" }
            #expect(problems.count == 1, "\(report.findings)")
            #expect(problems.allSatisfy { $0.what.contains("the list of files of release 1") && $0.remedy != nil })
        }
        await node.end()
    }

    @Test("while an own site lacks a list of files, content that nothing names is no spare space")
    func lostReleasesKeepContent() async throws {
        let node = try await PublishingNode()
        try node.write(String(repeating: "1", count: 40_000), to: "site/index.html")
        let id = try KeepingServiceTests.id(try await node.publish())
        let keeper = node.context.keeper
        let victims = { try keeper.enforce(quota: 0, now: WallClock.seconds + 2 * Keeper.orphanAge).victims.count }
        #expect(try victims() == 0)
        try Self.loseRelease(of: id, node)
        #expect(try victims() == 0)
        // Who is rid of the site is rid of what it had.
        try node.context.metadata.write { try $0.removeSite(id) }
        #expect(try victims() == 1)
        await node.end()
    }

    @Test("a list of files that was lost comes again from a holder")
    func lostReleaseThatAnotherHas() async throws {
        let (publisher, reader, site) = try await FetcherTests.world()
        let id = try KeepingServiceTests.id(site)
        let whole = try publisher.context.metadata.read { try $0.manifest(of: id, seq: 1) }
        _ = try await reader.fetch(site.site, from: publisher, to: nil)
        try Self.loseRelease(of: id, publisher)
        #expect(try await !Self.doctor(publisher).run(repair: false) { _ in }.healthy)
        // A holder that is slow to answer is asked again, as the remedy says.
        var mended = try await Self.doctor(publisher).run(repair: true) { _ in }
        while !mended.healthy { mended = try await Self.doctor(publisher).run(repair: true) { _ in } }
        #expect(mended.findings.contains { $0.state == "repaired" }, "\(mended.findings)")
        #expect(try publisher.context.metadata.read { try $0.manifest(of: id, seq: 1) } == whole)
        #expect(try await Self.doctor(publisher).run(repair: false) { _ in }.healthy)
        await reader.end()
        await publisher.end()
    }

    /// As a page of the database leaves it that was lost: neither the release's row nor the place of the folder.
    private static func loseRelease(of id: Digest256, _ node: PublishingNode) throws {
        try node.context.metadata.write { connection in
            var record = try #require(try connection.site(id))
            record.folder = nil
            try connection.save(record)
            try connection.removeRelease(of: id, seq: 1)
        }
    }

    @Test("older releases without a list of files are told of, and are no problem")
    func olderReleases() async throws {
        let node = try await PublishingNode()
        for version in 1...3 {
            try node.write("\(version)", to: "site/index.html")
            _ = try await node.publish()
        }
        let id = try #require(try node.context.metadata.read { try $0.sites() }.first?.id)
        try node.context.metadata.write { for seq in 1...2 { try $0.removeRelease(of: id, seq: Int64(seq)) } }
        let report = try await Self.doctor(node).run(repair: true) { _ in }
        #expect(
            report.healthy && report.findings.contains { $0.what.contains("of release 1, 2 of") },
            "\(report.findings)"
        )
        await node.end()
    }

    @Test("keys of a site of which the database knows nothing are a finding; those of a site that was removed are none")
    func strayKeys() async throws {
        let node = try await PublishingNode()
        try node.write("1", to: "site/index.html")
        let id = try KeepingServiceTests.id(try await node.publish())
        _ = try await node.keeping.change(id, .remove)
        #expect(try await Self.doctor(node).run(repair: false) { _ in }.healthy)
        let lost = try node.context.keys.createSite().keys.site
        let report = try await Self.doctor(node).run(repair: false) { _ in }
        let problems = report.findings.filter { $0.state == "problem" }
        #expect(
            problems.count == 1 && problems.allSatisfy { $0.what.contains(lost.hex) && $0.remedy?.isEmpty == false }
        )
        do throws(NodeError) {
            _ = try await node.publish(site: SiteAddress.site(lost).text)
            Issue.record("published without a history")
        } catch {
            #expect(error.kind == .unavailable && error.message.contains("its history is not"))
        }
        await node.end()
    }
}
