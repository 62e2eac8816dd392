// SPDX-License-Identifier: Apache-2.0
import Feeds
import Keys
import TestSupport
import Testing
import Wire

@Suite struct PolicyTests {
    private let start = ContinuousClock.now

    @Test("what is added is due at once, then about hourly; failures are tried sooner and ever more slowly")
    func schedule() {
        var random = SplitMix64(seed: 1)
        var schedule = RepeatSchedule<Int>()
        schedule.add(1, now: start)
        #expect(schedule.due(now: start) == [1])
        #expect(schedule.due(now: start).isEmpty)
        schedule.finished(1, succeeded: true, now: start, using: &random)
        #expect(schedule.due(now: start + .seconds(2900)).isEmpty)
        #expect(schedule.due(now: start + .seconds(3600)) == [1])
        var now = start + .seconds(3600)
        var last = Duration.zero
        for _ in 0..<12 {
            schedule.finished(1, succeeded: false, now: now, using: &random)
            let pause = (schedule.nextDue ?? now) - now
            #expect(pause > last || pause > .seconds(2800))
            #expect(pause <= .seconds(3600))
            last = pause
            now += pause
            #expect(schedule.due(now: now) == [1])
        }
    }

    @Test("at most eight at a time; a change under way is said again after it; a grown network hears all")
    func bounds() {
        var random = SplitMix64(seed: 2)
        var schedule = RepeatSchedule<Int>()
        for key in 0..<20 { schedule.add(key, now: start + .seconds(key)) }
        let now = start + .seconds(60)
        let first = schedule.due(now: now)
        #expect(first == Array(0..<8))
        #expect(schedule.nextDue == nil)
        schedule.add(3, now: now)
        for key in first { schedule.finished(key, succeeded: true, now: now, using: &random) }
        schedule.remove(8)
        #expect(schedule.due(now: now) == [9, 10, 11, 12, 13, 14, 15, 16])
        for key in 9...16 { schedule.finished(key, succeeded: true, now: now, using: &random) }
        #expect(schedule.due(now: now).sorted() == [3, 17, 18, 19])
        for key in [3, 17, 18, 19] { schedule.finished(key, succeeded: true, now: now, using: &random) }
        #expect(schedule.due(now: now).isEmpty)
        schedule.networkGrew(now: now)
        #expect(schedule.due(now: now).count == 8)
        schedule.finished(99, succeeded: true, now: now, using: &random)
    }

    @Test("what is new is said before all that a grown network is to hear again")
    func newFirst() throws {
        var schedule = RepeatSchedule<Int>()
        var random = SplitMix64(seed: 1)
        let now = ContinuousClock.now
        for key in 0..<30 { schedule.add(key, now: now) }
        while case let keys = schedule.due(now: now), !keys.isEmpty {
            for key in keys { schedule.finished(key, succeeded: true, now: now, using: &random) }
        }
        schedule.networkGrew(now: now)
        let later = now + .seconds(1)
        schedule.add(99, now: later)
        // Also one whose value has changed.
        schedule.add(7, now: later)
        #expect(schedule.due(now: later).prefix(2).sorted() == [7, 99])
    }

    @Test("only owners, pinners and quota readers announce and put; a reader re-puts what it received")
    func duties() throws {
        var fixture = try FeedFixture(releases: 2)
        let feed = try fixture.feed()
        let release = FeedFixture.release(2)
        let site = fixture.site.truncated
        for serve in [ServePolicy.own, .whileOpen] {
            #expect(SiteDuties.duties(of: feed, keys: [], serve: serve, held: [2]).isEmpty)
        }
        let reader = SiteDuties.duties(of: feed, keys: [], serve: .quota, held: [2, 7])
        #expect(
            reader == [
                .announce(site), .reput(fixture.siteKey.publicKey), .announce(release.v2.truncated),
                .announce(try #require(release.v1)),
            ]
        )
        let owner = SiteDuties.duties(of: feed, keys: [fixture.siteKey.publicKey], serve: .own, held: [])
        #expect(owner == [.announce(site), .put(fixture.siteKey.publicKey)])

        fixture = try fixture.recovered(to: 3, key: fixture.laterKey)
        let recovered = try fixture.feed(by: fixture.laterKey)
        let place = SiteLocations.recovery(fixture.recoveryKey.publicKey.identifier)
        #expect(
            SiteDuties.duties(of: recovered, keys: [], serve: .quota, held: [])
                == [.announce(site), .announce(place), .reput(fixture.laterKey.publicKey)]
        )
        #expect(feed.state.recovery.truncated == place)
        #expect(SiteLocations.pointers(of: recovered.state).count == 2)
    }

    @Test("pointer numbers rise with the log, pass over foreign ones, and end where a thief ended them")
    func sequence() {
        #expect(SiteLocations.nextSequence(size: 4, latest: nil, value: [1]) == 4)
        #expect(SiteLocations.nextSequence(size: 4, latest: (2, [0]), value: [1]) == 4)
        #expect(SiteLocations.nextSequence(size: 4, latest: (9, [0]), value: [1]) == 10)
        #expect(SiteLocations.nextSequence(size: 4, latest: (9, [1]), value: [1]) == 9)
        #expect(SiteLocations.nextSequence(size: 4, latest: (.max, [0]), value: [1]) == nil)
    }
}
