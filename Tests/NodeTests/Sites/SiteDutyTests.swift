// SPDX-License-Identifier: Apache-2.0
import Feeds
import Keys
import Testing
import Wire

@testable import Node

@Suite struct SiteDutyTests {
    /// An hour of the DHT in a fraction of a second.
    private static var pace: SiteDutySchedule.Pace {
        var pace = SiteDutySchedule.Pace()
        pace.interval = .milliseconds(200)
        pace.spread = .milliseconds(50)
        pace.retry = .milliseconds(50)
        return pace
    }

    @Test(
        "when the publisher is gone, a reader who serves announces the site and puts its item again, unchanged, however often the DHT forgets"
    )
    func readerKeepsAlive() async throws {
        let world = SiteWorld()
        let keys = try SiteOwner()
        let owner = try await SiteNode(in: world, signers: [keys.key])
        let feed = try await keys.create(on: owner)
        #expect(try await SiteNode.eventually { world.item(under: keys.key.publicKey) != nil })
        let item = try #require(world.item(under: keys.key.publicKey))
        let reader = try await SiteNode(in: world, serve: .quota, pace: Self.pace, tick: .milliseconds(20))
        #expect(try await reader.refresh(keys.site) == feed)
        reader.service.setHeld([1], of: keys.site)
        reader.service.hold(keys.site)
        let release = try #require(feed.state.newest?.release)
        let hashes = [SiteLocations.holders(of: keys.site), release.v2.truncated] + (release.v1.map { [$0] } ?? [])
        #expect(try await SiteNode.eventually { hashes.allSatisfy { world.peers(under: $0).contains(reader.address) } })
        await owner.end()
        for _ in 0..<3 {
            world.forgetAll()
            #expect(try await SiteNode.eventually { world.item(under: keys.key.publicKey) == item })
            #expect(try await SiteNode.eventually { hashes.allSatisfy { world.peers(under: $0) == [reader.address] } })
        }
        // And that is enough for somebody new.
        let stranger = try await SiteNode(in: world)
        #expect(try await stranger.refresh(keys.site) == feed)
        for node in [stranger, reader] { await node.end() }
    }

    @Test("a reader who gives nothing back says nothing in the DHT", arguments: [ServePolicy.own, .whileOpen])
    func readerIsSilent(serve: ServePolicy) async throws {
        let world = SiteWorld()
        let keys = try SiteOwner()
        let owner = try await SiteNode(in: world, signers: [keys.key])
        _ = try await keys.create(on: owner)
        #expect(try await SiteNode.eventually { !world.peers(under: keys.site.truncated).isEmpty })
        let reader = try await SiteNode(in: world, serve: serve, pace: Self.pace, tick: .milliseconds(20))
        _ = try await reader.refresh(keys.site)
        reader.service.hold(keys.site)
        try await Task.sleep(for: .milliseconds(300))
        #expect(world.peers(under: keys.site.truncated) == [owner.address])
        #expect(owner.service.announced == [keys.site] && reader.service.announced.isEmpty)
        for node in [reader, owner] { await node.end() }
    }

    @Test(
        "in three hours every duty is done at least three times, never more than an hour apart, and after a failure within a minute"
    )
    func threeHours() {
        let site = Hash.sha256([1])
        let key = try? SiteOwner().key.publicKey
        guard let key else {
            Issue.record("a key")
            return
        }
        let duties: Set<SiteDuty> = [.announce(site.truncated), .reput(key)]
        var schedule = SiteDutySchedule()
        let start = ContinuousClock.now
        _ = schedule.set(duties, of: site, changed: [], now: start)
        var done: [SiteDuty: [Duration]] = [:]
        var hasFailed = false
        for second in stride(from: 0, through: 3 * 3600, by: 5) {
            let now = start + .seconds(second)
            for due in schedule.due(now: now) {
                let fails = !hasFailed && second > 3000
                if fails { hasFailed = true } else { done[due.duty, default: []].append(.seconds(second)) }
                schedule.finished(due, succeeded: !fails, now: now)
            }
        }
        #expect(hasFailed && done.keys.count == 2)
        for times in done.values {
            #expect(times.count >= 3)
            for (earlier, later) in zip(times, times.dropFirst()) { #expect(later - earlier <= .seconds(3600 + 60)) }
        }
    }

    @Test("thirty readers of one page that want a site at the same time look for it once")
    func oneSearch() async throws {
        let world = SiteWorld()
        let (owner, reader) = (try await SiteNode(in: world), try await SiteNode(in: world))
        let keys = try SiteOwner()
        let feed = try await keys.create(on: owner)
        let place = SiteLocations.holders(of: keys.site)
        #expect(try await SiteNode.eventually { world.peers(under: place) == [owner.address] })
        world.becomeSlow()
        let found = try await withThrowingTaskGroup(of: SiteFeed.self) { group in
            for _ in 0..<30 { group.addTask { try await reader.refresh(keys.site) } }
            #expect(try await SiteNode.eventually { reader.service.searches.waiting(for: keys.site) == 29 })
            #expect(try await SiteNode.eventually { world.lookups(of: place) > 0 })
            #expect(world.lookups(of: place) == 1)
            world.becomeQuick()
            var found: [SiteFeed] = []
            for try await feed in group { found.append(feed) }
            return found
        }
        #expect(found == [SiteFeed](repeating: feed, count: 30))
        #expect(world.lookups(of: place) == 1)
        for node in [reader, owner] { await node.end() }
    }
}
