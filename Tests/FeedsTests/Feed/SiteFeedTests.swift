// SPDX-License-Identifier: Apache-2.0
import Feeds
import Keys
import TestSupport
import Testing
import Wire

@Suite struct SiteFeedTests {
    @Test("a longer head of the same history is adopted, an earlier one is behind, the same one known")
    func adoption() throws {
        let old = try FeedFixture(releases: 1)
        let new = try FeedFixture(releases: 3)
        var feed = try old.feed()
        #expect(feed.judge(try old.head()) == .known)
        #expect(feed.judge(try new.head()) == .wanted(from: 2))
        #expect(feed.adopt(try new.head(), log: new.log) == .known)
        #expect(feed.state.newest?.release.seq == 3)
        #expect(feed.judge(try old.head()) == .behind)
        #expect(feed.head == (try new.head()))
    }

    @Test("forged heads: another key, a changed byte, another site, entries that do not fit")
    func forged() throws {
        let fixture = try FeedFixture(releases: 2)
        var feed = try FeedFixture(releases: 1).feed()
        let thief = SignedHead(
            site: fixture.site,
            size: 3,
            root: fixture.log.root,
            time: 0,
            epoch: FeedEpoch(),
            signer: fixture.laterKey
        )
        #expect(feed.judge(thief) == .refused(.notTheWriter))
        #expect(feed.adopt(thief, log: fixture.log) == .refused(.entriesDiffer))
        let elsewhere = SignedHead(
            site: .zero,
            size: 3,
            root: fixture.log.root,
            time: 0,
            epoch: FeedEpoch(),
            signer: fixture.siteKey
        )
        #expect(feed.judge(elsewhere) == .refused(.otherSite))
        let inconsistent = SignedHead(
            site: fixture.site,
            size: 3,
            root: .zero,
            time: 0,
            epoch: FeedEpoch(),
            signer: fixture.siteKey
        )
        #expect(feed.adopt(inconsistent, log: fixture.log) == .refused(.entriesDiffer))
        let boasting = SignedHead(
            site: fixture.site,
            size: 3,
            root: fixture.log.root,
            time: 0,
            epoch: FeedEpoch(recoveries: 1),
            signer: fixture.laterKey
        )
        #expect(feed.judge(boasting) == .wanted(from: 0))
        #expect(feed.adopt(boasting, log: fixture.log) == .refused(.entriesDiffer))
        #expect(feed.log.size == 2 && feed.branches.isEmpty)
    }

    @Test("a fork by the writer is kept as evidence and freezes the feed until the keys change, also after a restart")
    func fork() throws {
        let common = try FeedFixture(releases: 2)
        var left = common
        var right = common
        try left.append(.release(FeedFixture.release(3, label: "left")))
        try right.append(.release(FeedFixture.release(3, label: "right")))
        var feed = try left.feed()
        #expect(feed.judge(try right.head()) == .fork)
        #expect(feed.isQuarantined)
        #expect(feed.state.newest?.release.label == "left")
        try left.append(.release(FeedFixture.release(4)))
        #expect(feed.judge(try left.head()) == .refused(.quarantined))
        #expect(feed.adopt(try left.head(), log: left.log) == .refused(.quarantined))
        feed = try SiteFeed(encoded: feed.encoded, site: feed.site)
        #expect(feed.isQuarantined && feed.branches.count == 1)
        // A longer fork shows itself only with its entries.
        try right.append(.release(FeedFixture.release(4)))
        var other = try common.feed()
        other = try #require(SiteFeed(log: left.log, head: try left.head()))
        try right.append(.release(FeedFixture.release(5)))
        #expect(other.judge(try right.head()) == .wanted(from: 5))
        #expect(other.adopt(try right.head(), log: right.log) == .fork)
        #expect(other.branches.first?.releases.first?.label == "right")
    }

    @Test("a thief signs seq 2^63-1 and a bad release: the owner's recovery brings every reader back")
    func recovery() throws {
        let owner = try FeedFixture(releases: 2)
        var thief = owner
        try thief.append(.release(FeedFixture.release(.max, label: "9.9.9")))
        for _ in 0..<5 { try thief.append(.withdraw(Withdrawal(seq: 1, time: 0))) }
        #expect(thief.log.state.nextSeq == nil)
        var recovered = try owner.recovered(to: 3, key: owner.laterKey, stolen: try thief.head())
        try recovered.append(.release(FeedFixture.release(3, label: "1.0.3")))
        let head = try recovered.head(by: owner.laterKey)

        // One reader fell for the thief, one had not heard anything, one is quarantined by both.
        var quarantined = try owner.feed()
        #expect(quarantined.adopt(try thief.head(), log: thief.log) == .known)
        let fork = SignedHead(
            site: owner.site,
            size: 4,
            root: .zero,
            time: 0,
            epoch: FeedEpoch(),
            signer: owner.siteKey
        )
        #expect(quarantined.judge(fork) == .fork)
        for var reader in [try thief.feed(), try owner.feed(), quarantined] {
            #expect(reader.judge(head) == .wanted(from: 0))
            #expect(reader.adopt(head, log: recovered.log) == .known)
            #expect(reader.state.newest?.release.label == "1.0.3")
            #expect(!reader.isQuarantined)
            #expect(reader.state.writer == owner.laterKey.publicKey)
            // Nothing the thief signs counts any more, however long.
            #expect(reader.judge(try thief.head()) == .refused(.superseded))
            reader = try SiteFeed(encoded: reader.encoded, site: reader.site)
            #expect(reader.judge(try thief.head()) == .refused(.superseded))
        }
        // Both histories are shown: by the branch where it was followed, by the entry to a new reader.
        var fooled = try thief.feed()
        #expect(fooled.adopt(head, log: recovered.log) == .known)
        #expect(fooled.branches.first?.kind == .superseded)
        #expect(fooled.branches.first?.releases.map(\.seq) == [.max])
        guard case .recover(let entry) = recovered.log.state.changes.first?.entry else {
            Issue.record("the recovery is not in the history")
            return
        }
        #expect(entry.stolen == (try thief.head()).bytes)
    }

    @Test("a thief with the next key rotates away; a recovery outweighs any number of rotations")
    func recoveryOutweighsRotation() throws {
        let owner = try FeedFixture(releases: 1)
        var thief = owner
        try thief.append(
            .rotate(
                Rotation(
                    position: thief.log.position,
                    next: owner.laterKey.publicKey.identifier,
                    signer: owner.nextKey
                )
            )
        )
        try thief.append(
            .rotate(Rotation(position: thief.log.position, next: Hash.sha256([9]), signer: owner.laterKey))
        )
        var reader = try owner.feed()
        #expect(reader.adopt(try thief.head(by: owner.laterKey), log: thief.log) == .known)
        let key = try FeedFixture.key(5)
        let recovered = try owner.recovered(to: 2, key: key)
        #expect(reader.adopt(try recovered.head(by: key), log: recovered.log) == .known)
        #expect(reader.state.writer == key.publicKey)
    }

    @Test("nobody but the holder of the recovery key recovers")
    func forgedRecovery() throws {
        let owner = try FeedFixture(releases: 1)
        var thief = owner
        let forged = Recovery(
            position: thief.log.position,
            key: owner.siteKey.publicKey,
            next: .zero,
            recovery: .zero,
            time: 0,
            signer: owner.siteKey
        )
        try thief.append(.recover(forged))
        #expect(thief.log.state.epoch == FeedEpoch())
        // The real entry, once public, cannot be moved to another place.
        let real = try owner.recovered(to: 2, key: owner.laterKey)
        try thief.log.append(real.log.entries[2])
        #expect(thief.log.state.epoch == FeedEpoch())
        #expect(thief.log.state.ignored.count == 2)
    }

    @Test("a second root record by a thief of the site key supersedes nothing, whatever epochs it claims")
    func secondRoot() throws {
        let owner = try FeedFixture(releases: 2)
        let thiefKey = try FeedFixture.key(7)
        let commitment = thiefKey.publicKey.identifier
        let root = RootRecord(next: commitment, recovery: commitment, signer: owner.siteKey)
        var log = try SiteLog(site: owner.site, rootEntry: try #require(FeedEntry.root(root).encoded))
        let recovery = Recovery(
            position: log.position,
            key: thiefKey.publicKey,
            next: .zero,
            recovery: .zero,
            time: 0,
            signer: thiefKey
        )
        try log.append(try #require(FeedEntry.recover(recovery).encoded))
        let head = try #require(log.head(time: 0, signer: thiefKey))
        #expect(head.epoch == FeedEpoch(recoveries: 1))
        var reader = try owner.feed()
        #expect(reader.judge(head) == .wanted(from: 0))
        #expect(reader.adopt(head, log: log) == .fork)
        #expect(reader.state.newest?.release.seq == 2)
        #expect(reader.isQuarantined)
        let recovered = try owner.recovered(to: 3, key: owner.laterKey)
        #expect(reader.adopt(try recovered.head(by: owner.laterKey), log: recovered.log) == .known)
        #expect(!reader.isQuarantined)
        reader = try SiteFeed(encoded: reader.encoded, site: reader.site)
        #expect(!reader.isQuarantined && reader.branches.count == 1)
    }

    @Test("without the site key nobody can begin a feed: the root record is signed")
    func unsignedRoot() throws {
        let owner = try FeedFixture(releases: 0)
        let attacker = try FeedFixture.key(7)
        var value = try #require(try CBOR.decode(owner.log.entries[0]).map)
        value["recovery"] = .bytes(attacker.publicKey.identifier)
        #expect(throws: FeedError.wrongRoot) {
            try SiteLog(site: owner.site, rootEntry: CBOR.map(value).encoded)
        }
    }

    @Test("key changes beyond 1,024 in one log do not count, so none can keep a reader busy")
    func keyChangeLimit() throws {
        var fixture = try FeedFixture()
        for _ in 0..<1030 {
            let position = fixture.log.position
            try fixture.append(
                .rotate(
                    Rotation(position: position, next: fixture.nextKey.publicKey.identifier, signer: fixture.nextKey)
                )
            )
        }
        #expect(fixture.log.state.epoch.rotations == 1024)
        #expect(fixture.log.state.ignored.count == 6)
    }
}
