// SPDX-License-Identifier: Apache-2.0
import Feeds
import Foundation
import Storage
import Synchronization
import Testing
import Wire

@testable import Node

@Suite("What is lost of a site that is kept", .timeLimit(.minutes(10)))
struct KeptLossTests {
    /// Nothing is found by looking again after a while: what follows from a loss follows from the store's notice.
    private static let never = Duration.seconds(86_400)

    /// A publisher, and a reader who keeps the site and follows its store.
    private struct World {
        let publisher: PublishingNode
        let reader: PublishingNode
        let site: Digest256
        let roots: [Digest256]
        let v2: Digest160
        let following: Task<Void, any Error>

        init() async throws {
            let (publisher, reader, result) = try await FetcherTests.world()
            (self.publisher, self.reader) = (publisher, reader)
            let site = try KeepingServiceTests.id(result)
            self.site = site
            _ = try await reader.fetch(result.site, from: publisher, to: nil)
            #expect(try await reader.keeping.change(site, .pin) == nil)
            roots = try KeepingServiceTests.roots(site, reader)
            v2 = try #require(try reader.context.metadata.read { try $0.release(of: site, seq: 1) }).v2.truncated
            following = Task { try await reader.keeping.followStore(every: never) }
            #expect(reader.sites.heldReleases(of: site) == [1])
        }

        /// Reads the first bytes of a file from the disk alone.
        func read(_ root: Digest256) async throws -> [UInt8]? {
            let key = ContentKey.file(root: root)
            let length = try #require(reader.context.content.length(of: key))
            let pieceLength = try #require(
                try reader.context.metadata.read { try $0.release(of: site, seq: 1) }
            ).pieceLength
            return try await reader.swarms.held(key, length, at: 0, count: 1, .root(pieceLength: pieceLength))
        }

        func end() async {
            following.cancel()
            _ = try? await following.value
            await reader.end()
            await publisher.end()
        }
    }

    private static func until(_ what: Comment, _ isSo: () throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(240)
        while try !isSo() {
            try #require(ContinuousClock.now < end, what)
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    @Test("S0-18: a release with a damaged file is said to be held no longer as soon as that is seen, to nobody")
    func said() async throws {
        let world = try await World()
        await world.publisher.stop()
        let announced = { world.reader.sites.duties.withLock { $0.isWanted(.announce(world.v2)) } }
        try await Self.until("the torrent is announced while it is whole") { announced() }
        try world.reader.damage(world.roots[0])
        #expect(try await world.read(world.roots[0]) == nil)
        try await Self.until("no release is held") { world.reader.sites.heldReleases(of: world.site).isEmpty }
        try await Self.until("the torrent is announced no longer") { !announced() }
        #expect(world.reader.sites.heldSites().isEmpty)
        await world.end()
    }

    @Test("what is damaged or taken away of a pinned site comes again by itself, and the release is held again")
    func mended() async throws {
        let world = try await World()
        try world.reader.damage(world.roots[0])
        #expect(try await world.read(world.roots[0]) == nil)
        let content = world.reader.context.content
        try await Self.until("the damaged file is back") {
            try content.contains(.file(root: world.roots[0])) && content.verify(world.roots[0]) == .sound
        }
        try await Self.until("the release is held") { world.reader.sites.heldReleases(of: world.site) == [1] }
        try content.remove(.file(root: world.roots[1]))
        try await Self.until("the file that was taken away is back") { content.contains(.file(root: world.roots[1])) }
        try await Self.until("the release is held") { world.reader.sites.heldReleases(of: world.site) == [1] }
        await world.end()
    }

    @Test("a damaged file of an own site comes again from its folder by itself")
    func own() async throws {
        let node = try await PublishingNode()
        try node.write("one", to: "site/index.html")
        let site = try KeepingServiceTests.id(try await node.publish())
        let root = try KeepingServiceTests.roots(site, node)[0]
        let following = Task { try await node.keeping.followStore(every: Self.never) }
        try node.damage(root)
        #expect(try node.context.content.verify(root) == .damaged)
        try await Self.until("the file is back, and the release is held") {
            node.context.content.contains(.file(root: root)) && node.sites.heldReleases(of: site) == [1]
        }
        #expect(try node.context.content.verify(root) == .sound)
        following.cancel()
        _ = try? await following.value
        await node.end()
    }
}
