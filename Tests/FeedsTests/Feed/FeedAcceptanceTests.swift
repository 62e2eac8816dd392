// SPDX-License-Identifier: Apache-2.0
import Feeds
import Keys
import Testing
import Wire

@Suite struct FeedAcceptanceTests {
    @Test("a site met for the first time is believed; after that only what continues it changes anything")
    func first() throws {
        let (old, new) = (try FeedFixture(releases: 2).feed(), try FeedFixture(releases: 4).feed())
        let met = FeedAcceptance(of: old, known: nil, highest: nil)
        #expect(met.feed == old && met.hasChanged && !met.contradictsHighest)
        let later = FeedAcceptance(of: new, known: old, highest: old.head)
        #expect(later.feed == new && later.hasChanged)
        let back = FeedAcceptance(of: old, known: new, highest: new.head)
        #expect(back.feed == new && !back.hasChanged)
    }

    @Test("after a site was removed nothing below the highest head is believed, docs/protocols/feeds.md")
    func removed() throws {
        let (old, new) = (try FeedFixture(releases: 2).feed(), try FeedFixture(releases: 4).feed())
        let undercut = FeedAcceptance(of: old, known: nil, highest: new.head)
        #expect(undercut.feed == nil && !undercut.hasChanged && !undercut.contradictsHighest)
        #expect(FeedAcceptance(of: new, known: nil, highest: old.head).feed == new)
        #expect(FeedAcceptance(of: new, known: nil, highest: new.head).feed == new)
    }

    @Test("a history that contradicts the highest head is evidence, and is not believed")
    func contradiction() throws {
        let ours = try FeedFixture(releases: 3).feed()
        var fixture = try FeedFixture(releases: 2)
        try fixture.append(.release(FeedFixture.release(3, label: "9.9.9")))
        let theirs = try fixture.feed()
        let verdict = FeedAcceptance(of: theirs, known: nil, highest: ours.head)
        #expect(verdict.feed == nil && verdict.contradictsHighest)
        let known = FeedAcceptance(of: theirs, known: ours, highest: ours.head)
        #expect(known.hasChanged && known.feed?.head == ours.head)
        #expect(FeedAcceptance.newBranches(of: try #require(known.feed), since: ours).map(\.kind) == [.fork])
    }

    @Test("a recovery is believed over any highest head of an earlier epoch, however long it was")
    func recovery() throws {
        let fixture = try FeedFixture(releases: 5)
        let back = try fixture.recovered(to: 3, key: fixture.laterKey)
        let feed = try back.feed(by: fixture.laterKey)
        #expect(FeedAcceptance(of: feed, known: nil, highest: try fixture.head()).feed == feed)
        #expect(FeedAcceptance(of: try fixture.feed(), known: nil, highest: feed.head).feed == nil)
    }
}

@Suite struct SiteSyncConclusionTests {
    @Test("asking a peer has ended when everything that it brought is on disk, and not before")
    func waits() throws {
        let head = try FeedFixture(releases: 1).head()
        var conclusion = SiteSyncConclusion()
        conclusion.peerFollows(head)
        conclusion.keeps()
        conclusion.keeps()
        #expect(conclusion.synced(nil, newest: nil) == nil)
        #expect(conclusion.kept(succeeded: true, newest: nil) == nil)
        #expect(conclusion.kept(succeeded: true, newest: head.hash) == .agreed)
    }

    @Test("a peer that follows something else is behind; what could not be written counts once")
    func outcomes() throws {
        let head = try FeedFixture(releases: 1).head()
        var conclusion = SiteSyncConclusion()
        conclusion.peerFollows(head)
        #expect(conclusion.synced(nil, newest: Hash.sha256([1])) == .behind)
        #expect(conclusion.synced(.notHeld, newest: head.hash) == .failed(.notHeld))
        conclusion.keeps()
        #expect(conclusion.kept(succeeded: false, newest: nil) == nil)
        #expect(conclusion.synced(nil, newest: head.hash) == .notKept)
        #expect(conclusion.synced(nil, newest: head.hash) == .agreed)
    }
}
