// SPDX-License-Identifier: Apache-2.0
import Feeds
import Foundation
import Storage
import Testing
import Wire

@testable import Node

@Suite("Push", .timeLimit(.minutes(5)))
struct PushTests {
    /// A publisher and keepers that accept or not, in a world of their own.
    private static func world(_ accepting: [Bool]) async throws -> (PublishingNode, [PublishingNode], SiteWorld) {
        let world = SiteWorld()
        var keepers: [PublishingNode] = []
        for accepts in accepting {
            let keeper = try await PublishingNode(in: world)
            keeper.context.settings.wasSet("serve", to: "quota")
            keeper.context.settings.wasSet("accept-pushes", to: accepts ? "on" : "off")
            keeper.context.admission.allowUnsolicited(accepts)
            keepers.append(keeper)
        }
        for (keeper, accepts) in zip(keepers, accepting) where accepts {
            let place = keeper.pushKeeper.place
            #expect(try await SiteNode.eventually { world.peers(under: place).contains(keeper.address) })
        }
        let publisher = try await PublishingNode(in: world)
        try publisher.write("<p>hello", to: "site/index.html")
        try publisher.write(String(repeating: "x", count: 100_000), to: "site/deep/big.txt")
        return (publisher, keepers, world)
    }

    private static func push(_ publisher: PublishingNode, to count: Int) async throws -> (PublishResult, PushReport) {
        let result = try await publisher.publish()
        let site = try SiteLink(parsing: result.site).address.id
        let release = try #require(try await publisher.sites.feed(of: site)?.state.newest?.release)
        let pusher = Pusher(sites: publisher.sites, swarms: publisher.swarms)
        return (result, await pusher.push(SiteRelease(site: site, release: release), to: count) { _ in })
    }

    @Test("S0-20 S0-21: a pushed release is held whole by random keepers, and read when its publisher is gone")
    func survives() async throws {
        let (publisher, keepers, world) = try await Self.world([true, true, true, false])
        let (result, report) = try await Self.push(publisher, to: 2)
        #expect(report.stored == 2 && report.wanted == 2 && report.found == 3)
        #expect(Set(report.peers).isSubset(of: Set(keepers.prefix(3).map { "\($0.address)" })))
        await publisher.end()
        world.remove(publisher.address, under: try SiteLink(parsing: result.site).address.id.truncated)
        // A reader that never met the publisher.
        let reader = try await PublishingNode(in: world)
        let directory = reader.folder.appending(path: "out").path
        let fetched = try await reader.fetcher.fetch(FetchRequest(link: result.site, directory: directory)) { _ in }
        #expect(fetched.files == 2 && fetched.bytes == result.bytes)
        #expect(try reader.text("out/index.html") == "<p>hello")
        // It was nobody's wish here: its page still asks.
        for keeper in keepers {
            let records = try keeper.context.metadata.read { try $0.sites() }
            #expect(records.allSatisfy { $0.openedAt == 0 && !$0.isOwn && !$0.isPinned })
        }
        for node in keepers + [reader] { await node.end() }
    }

    @Test("nothing is kept unasked where the user does not allow it, a rule forbids it, or there is no room")
    func refused() async throws {
        let (publisher, keepers, _) = try await Self.world([true, true, false])
        let result = try await publisher.publish()
        let site = try SiteLink(parsing: result.site).address.id
        keepers[0].context.admission.add(AdmissionRule(subject: .site(site), reason: "test"))
        keepers[1].context.settings.wasSet("quota", to: "1048576")
        try publisher.write(String(repeating: "y", count: 300_000), to: "site/more.txt")
        let (_, report) = try await Self.push(publisher, to: 3)
        #expect(report == PushReport(wanted: 3, stored: 0, found: 2, refused: 2, peers: []))
        for keeper in keepers { #expect(try keeper.context.metadata.read { try $0.sites() }.isEmpty) }
        for node in keepers + [publisher] { await node.end() }
    }

    @Test("a keeper that stops accepting is found no more")
    func closes() async throws {
        let (publisher, keepers, world) = try await Self.world([true])
        keepers[0].context.settings.wasSet("accept-pushes", to: "off")
        let (place, address) = (keepers[0].pushKeeper.place, keepers[0].address)
        #expect(try await SiteNode.eventually { !world.peers(under: place).contains(address) })
        for node in keepers + [publisher] { await node.end() }
    }
}
