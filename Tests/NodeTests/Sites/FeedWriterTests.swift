// SPDX-License-Identifier: Apache-2.0
import Feeds
import Kademlia
import Keys
import Storage
import Synchronization
import Testing
import Wire

@testable import Node

@Suite struct FeedWriterTests {
    @Test("an owner announces the site and its torrents, and puts a pointer that a higher number does not stop")
    func owner() async throws {
        let world = SiteWorld()
        let keys = try SiteOwner()
        let node = try await SiteNode(in: world, signers: [keys.key])
        // Somebody copied the owner's key file long ago and the network knows a higher number.
        let old = try MutableItem.signed(
            value: SitePointer(infohash: Hash.sha1([1])).encoded,
            sequence: 700,
            by: keys.key
        )
        _ = world.put(old)
        let feed = try await keys.create(on: node)
        node.service.setHeld([1], of: keys.site)
        let release = try #require(feed.state.newest?.release)
        for hash in [keys.site.truncated, release.v2.truncated, try #require(release.v1)] {
            #expect(try await SiteNode.eventually { world.peers(under: hash) == [node.address] })
        }
        #expect(try await SiteNode.eventually { world.item(under: keys.key.publicKey)?.sequence == 701 })
        let item = try #require(world.item(under: keys.key.publicKey))
        #expect(try SitePointer(value: item.value).head == feed.head.hash)

        let second = try await node.writer.append(to: keys.site, signer: keys.key) { SiteOwner.release($0) }
        #expect(try await SiteNode.eventually { world.item(under: keys.key.publicKey)?.sequence == 702 })
        #expect(try SitePointer(value: world.item(under: keys.key.publicKey)?.value ?? []).head == second.head.hash)

        node.service.drop(keys.site)
        #expect(try await SiteNode.eventually { world.peers(under: keys.site.truncated).isEmpty })
        await node.end()
    }

    /// Runs something once, at a place where the code under test waits.
    private final class Interlude: Sendable {
        private let body = Mutex<(@Sendable () async -> Void)?>(nil)
        func set(_ new: @escaping @Sendable () async -> Void) { body.withLock { $0 = new } }
        func play() async {
            let body = body.withLock { body in
                defer { body = nil }
                return body
            }
            await body?()
        }
    }

    @Test("a head that becomes old while its pointer is being signed does not get a higher number than the newest")
    func overtaken() async throws {
        let world = SiteWorld()
        let keys = try SiteOwner()
        let interlude = Interlude()
        let node = try await SiteNode(in: world, signers: [keys.key], beforeSigning: { await interlude.play() })
        // Its higher number has the pointer signed anew; while the key is fetched for that, a release is published.
        _ = world.put(
            try MutableItem.signed(value: SitePointer(infohash: Hash.sha1([1])).encoded, sequence: 700, by: keys.key)
        )
        let second = Mutex<SiteFeed?>(nil)
        interlude.set {
            let feed = try? await node.writer.append(to: keys.site, signer: keys.key) { SiteOwner.release($0) }
            second.withLock { $0 = feed }
        }
        _ = try await keys.create(on: node)
        node.service.setHeld([1], of: keys.site)
        #expect(try await SiteNode.eventually { world.taken.count > 1 && second.withLock { $0 } != nil })
        let head = try #require(second.withLock { $0 }).head.hash
        #expect(try world.taken.dropFirst().allSatisfy { try SitePointer(value: $0.value).head == head })
        await node.end()
    }

    @Test("an entry that the rules refuse leaves nothing behind, and a recorded row comes with its release")
    func transactions() async throws {
        let node = try await SiteNode(in: SiteWorld())
        let keys = try SiteOwner()
        let feed = try await keys.create(on: node)
        let failure = await #expect(throws: NodeError.self) {
            _ = try await node.writer.append(to: keys.site, signer: keys.next) { SiteOwner.release($0) }
        }
        #expect(failure?.kind == .notPermitted)
        await #expect(throws: NodeError.self) {
            _ = try await node.writer.append(to: keys.site, signer: keys.key, release: { SiteOwner.release($0) }) {
                connection,
                _ in
                try connection.saveSetting("test", [1])
                throw NodeError(.internal, "no", remedy: "none")
            }
        }
        #expect(try await node.service.feed(of: keys.site) == feed)
        #expect(try node.context.metadata.read { try $0.setting("test") } == nil)
        let rotated = try await node.writer.rotate(keys.site, to: keys.next, following: Hash.sha256([4]))
        #expect(rotated.state.writer == keys.next.publicKey)
        let withdrawn = try await node.writer.withdraw(nil, from: keys.site, signer: keys.next)
        #expect(withdrawn.state.newest == nil)
        await #expect(throws: NodeError.self) { _ = try await keys.create(on: node) }
        await node.end()
    }
}
