// SPDX-License-Identifier: Apache-2.0
import Feeds
import Foundation
import Storage
import Testing
import Wire

@testable import Node

@Suite("Keeping sites", .timeLimit(.minutes(5)))
struct KeepingServiceTests {
    static func id(_ result: PublishResult) throws -> Digest256 {
        try #require(Digest256(hex: result.site.dropFirst(10)))
    }

    static func roots(_ site: Digest256, _ node: PublishingNode) throws -> [Digest256] {
        try #require(try node.context.metadata.read { try $0.manifest(of: site, seq: 1) }).files.compactMap(\.root)
    }

    @Test("what is read goes when the quota wants it; what is pinned stays and is served")
    func quota() async throws {
        let (publisher, reader, site) = try await FetcherTests.world()
        let id = try Self.id(site)
        _ = try await reader.fetch(site.site, from: publisher, to: nil)
        let roots = try Self.roots(id, reader)
        reader.context.settings.wasSet("quota", to: "1MiB")
        #expect(try await reader.keeping.enforceQuota().victims.isEmpty)
        #expect(try await reader.keeping.change(id, .pin) == nil)
        #expect(reader.sites.heldReleases(of: id) == [1])
        try await reader.keeping.flush()
        let eviction = try reader.context.keeper.enforce(quota: 0, now: WallClock.seconds)
        #expect(eviction.victims.isEmpty)
        #expect(try await reader.keeping.change(id, .unpin) == nil)
        #expect(try reader.context.keeper.enforce(quota: 0, now: WallClock.seconds).victims.count == roots.count)
        await reader.end()
        await publisher.end()
    }

    @Test("a site removed leaves neither history nor files, but those that another site has; own keys stay")
    func remove() async throws {
        let (publisher, reader, site) = try await FetcherTests.world()
        let id = try Self.id(site)
        _ = try await reader.fetch(site.site, from: publisher, to: nil)
        #expect(try await reader.keeping.change(id, .remove) == nil)
        #expect(try reader.context.metadata.read { try $0.sites() }.isEmpty)
        #expect(try await reader.sites.feed(of: id) == nil)
        for root in try Self.roots(id, publisher) {
            #expect(reader.context.content.length(of: .file(root: root)) == nil)
        }
        try publisher.write("<p>hello", to: "other/index.html")
        let other = try await publisher.publish("other")
        let shared = try Self.roots(try Self.id(other), publisher)
        #expect(try await publisher.keeping.change(id, .remove)?.contains("keys stay") == true)
        #expect(publisher.context.keys.hasSite(id))
        #expect(publisher.context.content.length(of: .file(root: shared[0])) == 8)
        #expect(try !publisher.names(in: "site").contains(".roost-site"))
        #expect(!publisher.sites.isHeld(id))
        await reader.end()
        await publisher.end()
    }

    @Test("keys rotate, and the site goes on; a kit takes it back and is then spent")
    func keys() async throws {
        let node = try await PublishingNode()
        try node.write("1", to: "site/index.html")
        let first = try await node.publish()
        let id = try Self.id(first)
        #expect(try await node.keeping.change(id, .rotate) == nil)
        let second = try await node.publish(message: "after the rotation")
        #expect(second.seq == 2 && second.site == first.site)
        let kitFile = try #require(first.recoveryKit)
        let kit = try String(contentsOfFile: kitFile, encoding: .utf8).split(separator: "\n")
            .filter { !$0.hasPrefix("#") }.joined(separator: "\n")
        let said = try await node.keeping.change(id, .recover(kit: kit))
        #expect(said?.contains("spent") == true)
        #expect(try await node.publish(message: "after the recovery").seq == 3)
        await #expect(throws: NodeError.self) { try await node.keeping.change(id, .recover(kit: kit)) }
        await node.end()
    }

    @Test("S0-22: only the owner withdraws")
    func withdraw() async throws {
        let (publisher, reader, site) = try await FetcherTests.world()
        let id = try Self.id(site)
        _ = try await reader.fetch(site.site, from: publisher, to: nil)
        do {
            _ = try await reader.keeping.change(id, .withdraw(sequence: 1))
            Issue.record("withdrawn by a reader")
        } catch {
            #expect(error.kind == .notPermitted)
        }
        #expect(try await publisher.keeping.change(id, .withdraw(sequence: 1)) == nil)
        #expect(try await publisher.sites.feed(of: id)?.state.newest == nil)
        await reader.end()
        await publisher.end()
    }
}
