// SPDX-License-Identifier: Apache-2.0
import Feeds
import Foundation
import Storage
import Testing
import Wire

@testable import Node

@Suite("Giving back what was read", .timeLimit(.minutes(5)))
struct PartsTests {
    private static let path = ["deep", "er", "big.txt"]

    /// Reads the beginning of the large file of the site from one peer alone.
    private static func read(
        _ site: Digest256,
        at node: PublishingNode,
        from peer: PublishingNode,
        until end: Int64 = .max
    ) async throws -> Int {
        let found = try await node.sites.refresh(.site(site), peers: [peer.address]).feed
        let release = try #require(found?.state.newest?.release)
        let target = SiteRelease(site: site, release: release)
        guard case .file(let file)? = try await node.sites.lookup(path, in: target, peers: [peer.address]) else {
            return 0
        }
        var count = 0
        while Int64(count) < min(file.length, end) {
            count += try await node.swarms.read(
                file,
                of: target,
                at: Int64(count),
                count: 1 << 16,
                peers: { KnownPeers(holders: [peer.address]) },
                mayUseNetwork: true
            ).count
        }
        return count
    }

    @Test(
        "S3-004: after a restart a reader with serve=quota gives the pages it has, without ever having had the whole site",
        arguments: [200_000, 70_000]
    )
    func restarted(_ end: Int64) async throws {
        let (publisher, first, site) = try await FetcherTests.world()
        let id = try KeepingServiceTests.id(site)
        let count = try await Self.read(id, at: first, from: publisher, until: end)
        for entry in await first.swarms.open.values { await first.swarms.noteLayers(of: entry) }
        try first.context.metadata.write { try $0.save(SiteRecord(id: id, addedAt: 1)) }
        try await first.keeping.flush()
        await first.stop()
        let again = try await PublishingNode(at: first.folder)
        again.context.settings.wasSet("serve", to: "quota")
        await again.keeping.serve(id)
        let late = try await PublishingNode()
        #expect(try await Self.read(id, at: late, from: again, until: Int64(count)) >= count)
        #expect(try again.context.metadata.read { try $0.manifest(of: id, seq: 1) } == nil)
        await late.end()
        await again.end()
        await publisher.end()
    }

    @Test("who gives only what is open, or only what is own, gives nothing of it")
    func others() async throws {
        let (publisher, first, site) = try await FetcherTests.world()
        let id = try KeepingServiceTests.id(site)
        #expect(try await Self.read(id, at: first, from: publisher) == 200_000)
        try first.context.metadata.write { try $0.save(SiteRecord(id: id, addedAt: 1)) }
        for policy in ["while-open", "own"] {
            first.context.settings.wasSet("serve", to: policy)
            await first.keeping.sharesRead(id)
            await first.keeping.serve(id)
            #expect(!first.sites.isHeld(id))
            #expect(await first.swarms.parts.isEmpty)
        }
        first.context.settings.wasSet("serve", to: "quota")
        await first.keeping.sharesRead(id)
        #expect(first.sites.isHeld(id))
        #expect(await first.swarms.parts.count == 1)
        await first.end()
        await publisher.end()
    }
}
