// SPDX-License-Identifier: Apache-2.0
import Feeds
import Kademlia
import Keys
import Storage
import Testing
import Wire

@testable import Node

@Suite struct SiteServiceTests {
    @Test("S2-11: a site opens by its id alone, and an update arrives over the open connection and by asking again")
    func openAndUpdate() async throws {
        let world = SiteWorld()
        let (owner, reader) = (try await SiteNode(in: world), try await SiteNode(in: world))
        let keys = try SiteOwner()
        let first = try await keys.create(on: owner)
        #expect(try await SiteNode.eventually { !world.peers(under: keys.site.truncated).isEmpty })

        #expect(try await reader.refresh(keys.site) == first)
        #expect(try await SiteNode.eventually { reader.service.holders(of: keys.site) == [owner.address] })
        #expect(reader.service.received(for: keys.site) > 0)
        #expect(try reader.context.metadata.read { try $0.feed(of: keys.site) } != nil)

        let second = try await owner.writer.append(to: keys.site, signer: keys.key) { SiteOwner.release($0) }
        #expect(second.state.newest?.release.seq == 2)
        #expect(try await SiteNode.eventually { try await reader.service.feed(of: keys.site) == second })
        #expect(try await reader.refresh(keys.site) == second)
        await reader.end()
        await owner.end()
    }

    @Test("a site that nobody holds is unavailable, a denied one is refused before anybody is asked")
    func absentAndDenied() async throws {
        let node = try await SiteNode(in: SiteWorld())
        let site = Hash.sha256([9])
        let absent = await #expect(throws: NodeError.self) { try await node.refresh(site) }
        #expect(absent?.kind == .unavailable)
        node.context.admission.add(AdmissionRule(subject: .site(site), reason: "test"))
        let denied = await #expect(throws: NodeError.self) { try await node.refresh(site) }
        #expect(denied?.kind == .denied)
        await node.end()
    }

    @Test("an older state is never taken over, also after the site was removed")
    func rollback() async throws {
        let world = SiteWorld()
        let (old, reader) = (try await SiteNode(in: world), try await SiteNode(in: world))
        let keys = try SiteOwner()
        let first = try await keys.create(on: old)
        let second = try SiteOwner.extend(first, [SiteOwner.release(2)], signer: keys.key)
        _ = try reader.service.feeds.merge(second)
        world.add(old.address, under: keys.site.truncated)
        #expect(try await reader.refresh(keys.site) == second)

        let other = try await SiteNode(in: SiteWorld())
        _ = try other.service.feeds.merge(second)
        try other.context.metadata.write { try $0.removeSite(keys.site) }
        other.service.feeds.forget(keys.site)
        #expect(try other.service.feeds.merge(first).feed == nil)
        #expect(try other.service.feeds.merge(second).feed == second)
        for node in [other, reader, old] { await node.end() }
    }

    @Test("two heads by one key quarantine the site: what is shown stays, and the evidence is kept")
    func fork() async throws {
        let world = SiteWorld()
        let (liar, reader) = (try await SiteNode(in: world), try await SiteNode(in: world))
        let keys = try SiteOwner()
        let first = try await keys.create(on: liar)
        let shown = try SiteOwner.extend(first, [SiteOwner.release(2, label: "2.0")], signer: keys.key)
        let other = try SiteOwner.extend(
            first,
            [SiteOwner.release(2, label: "2.1"), SiteOwner.release(3)],
            signer: keys.key
        )
        try liar.hold(other)
        _ = try reader.service.feeds.merge(shown)
        world.add(liar.address, under: keys.site.truncated)
        let feed = try await reader.refresh(keys.site)
        #expect(feed.isQuarantined && feed.head == shown.head)
        let evidence = try reader.context.metadata.read { try $0.evidence(against: keys.site) }
        #expect(evidence.map(\.kind) == ["fork"])
        #expect(evidence.first?.bytes == other.head.bytes)
        for node in [reader, liar] { await node.end() }
    }

    @Test("a recovery brings back who never heard of the site, who was fooled, and who is quarantined")
    func recovery() async throws {
        let world = SiteWorld()
        let keys = try SiteOwner()
        let owner = try await SiteNode(in: world)
        let good = try await keys.create(on: owner)
        // The thief has the site key: a release with the last number there is, and a pointer likewise.
        let thief = try await SiteNode(in: world)
        let stolen = try SiteOwner.extend(good, [SiteOwner.release(.max, label: "evil")], signer: keys.key)
        try thief.hold(stolen)
        let pointer = try #require(SitePointer(stolen))
        #expect(
            world.put(try MutableItem.signed(value: pointer.encoded, sequence: .max, by: keys.key)) == nil
        )
        let fooled = try await SiteNode(in: world)
        world.add(thief.address, under: keys.site.truncated)
        #expect(try await fooled.service.refresh(.site(keys.site), peers: [thief.address]).feed?.log.size == 3)
        let quarantined = try await SiteNode(in: world)
        _ = try quarantined.service.feeds.merge(try SiteOwner.extend(good, [SiteOwner.release(2)], signer: keys.key))
        _ = try quarantined.service.feeds.merge(stolen)
        #expect(try await quarantined.service.feed(of: keys.site)?.isQuarantined == true)

        // The owner met the thief's history, too, and goes back to what it signed itself.
        _ = try owner.service.feeds.merge(stolen)
        let recovered = try await owner.writer.recover(
            keys.site,
            with: keys.recovery,
            writer: keys.later,
            next: Hash.sha256([1]),
            recovery: Hash.sha256([2])
        )
        #expect(recovered.state.newest?.release.seq == 1 && recovered.head.epoch.recoveries == 1)
        let place = SiteLocations.recovery(keys.recovery.publicKey.identifier)
        #expect(try await SiteNode.eventually { world.peers(under: place).contains(owner.address) })
        let uninformed = try await SiteNode(in: world)
        for node in [fooled, quarantined, uninformed] {
            _ = try await node.refresh(keys.site)
            #expect(
                try await SiteNode.eventually { try await node.service.feed(of: keys.site)?.head == recovered.head }
            )
        }
        let next = try await owner.writer.append(to: keys.site, signer: keys.later) { SiteOwner.release($0) }
        #expect(next.state.newest?.release.seq == 2)
        for node in [uninformed, quarantined, fooled, thief, owner] { await node.end() }
    }

    @Test("a stock item under the key opens as one tree without a history")
    func stockItem() async throws {
        let world = SiteWorld()
        let node = try await SiteNode(in: world)
        let keys = try SiteOwner()
        let v1 = Hash.sha1([1])
        _ = world.put(try MutableItem.signed(value: SitePointer(infohash: v1).encoded, sequence: 4, by: keys.key))
        let found = try await node.service.refresh(.key(keys.key.publicKey, salt: []), within: .seconds(60))
        guard case .tree(v1, nil, sequence: 4) = found.content else {
            Issue.record("not the tree of the item")
            return
        }
        await node.end()
    }
}
