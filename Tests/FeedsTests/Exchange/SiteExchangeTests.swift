// SPDX-License-Identifier: Apache-2.0
import Feeds
import Keys
import TestSupport
import Testing
import Wire

/// Two sessions joined by perfect wires, with a store of directory nodes on either side.
private struct Pair: ~Copyable {
    var left: SiteExchangeSession
    var right: SiteExchangeSession
    var nodes: [Digest256: [UInt8]] = [:]
    var log: [(isLeft: Bool, action: SiteExchangeAction)] = []
    /// Of the largest message.
    var largest = 0
    let now = ContinuousClock.now

    init(site: Digest256, left: SiteFeed?, right: SiteFeed?) {
        self.left = SiteExchangeSession(site: site, feed: left, now: now)
        self.right = SiteExchangeSession(site: site, feed: right, now: now)
    }

    mutating func run(_ actions: [SiteExchangeAction], isLeft: Bool) {
        var queue = actions.map { (isLeft, $0) }
        while !queue.isEmpty {
            let (isLeft, action) = queue.removeFirst()
            switch action {
            case .send(let payload):
                largest = max(largest, payload.count)
                let actions = isLeft ? right.receive(payload, now: now) : left.receive(payload, now: now)
                queue += actions.map { (!isLeft, $0) }
            case .read(let token, let hash):
                let actions =
                    isLeft
                    ? left.supply(token, node: nodes[hash], now: now) : right.supply(token, node: nodes[hash], now: now)
                queue += actions.map { (isLeft, $0) }
            case .wake: break
            default: log.append((isLeft, action))
            }
        }
    }

    mutating func synchroniseLeft() { run(left.synchronise(now: now), isLeft: true) }

    var adopted: [SiteFeed] {
        log.compactMap { if case .adopted(let feed) = $0.action { feed } else { nil } }
    }
    var closed: SiteCloseReason? {
        for entry in log { if case .close(let reason) = entry.action { return reason } }
        return nil
    }
}

@Suite struct SiteExchangeTests {
    @Test("a first reader gets key, head and all entries, and believes them after checking")
    func firstVisit() throws {
        let fixture = try FeedFixture(releases: 200)
        var pair = Pair(site: fixture.site, left: nil, right: try fixture.feed())
        pair.right.holds = [199, 200]
        pair.synchroniseLeft()
        #expect(pair.adopted == [try fixture.feed()])
        #expect(pair.log.contains { $0.action == .siteKey(fixture.siteKey.publicKey) })
        let head = try fixture.head()
        #expect(pair.log.contains { $0.action == .peerHead(head, holds: [199, 200]) })
        #expect(pair.largest <= 16_384)
        #expect(pair.closed == nil)
    }

    @Test("what could not be kept is adopted again when the reader synchronises next, on the same connection")
    func notKept() throws {
        var fixture = try FeedFixture(releases: 3)
        let old = try fixture.feed()
        try fixture.append(.release(FeedFixture.release(4)))
        let new = try fixture.feed()
        var pair = Pair(site: fixture.site, left: old, right: new)
        pair.synchroniseLeft()
        pair.synchroniseLeft()
        #expect(pair.adopted == [new])
        pair.left.notKept(driverHas: old)
        pair.synchroniseLeft()
        #expect(pair.adopted == [new, new])
        pair.left.notKept(driverHas: nil)
        pair.synchroniseLeft()
        #expect(pair.adopted.count == 3)
    }

    @Test("a reader asks only for entries that it lacks, and an entry of 64 KiB comes in parts")
    func update() throws {
        var fixture = try FeedFixture(releases: 3)
        let old = try fixture.feed()
        let big: CBOR = ["type": "later", "data": .bytes([UInt8](repeating: 7, count: 65_000))]
        try fixture.log.append(big.encoded)
        try fixture.append(.release(FeedFixture.release(4)))
        var pair = Pair(site: fixture.site, left: old, right: try fixture.feed())
        pair.synchroniseLeft()
        #expect(pair.adopted.first?.state.newest?.release.seq == 4)
        #expect(pair.largest <= 16_384)
        pair.synchroniseLeft()
        #expect(pair.adopted.count == 1)
    }

    @Test("a peer that is behind is told and takes over what we have; a change is told at once")
    func news() throws {
        var fixture = try FeedFixture(releases: 1)
        let old = try fixture.feed()
        try fixture.append(.release(FeedFixture.release(2)))
        let new = try fixture.feed()
        var pair = Pair(site: fixture.site, left: new, right: old)
        pair.synchroniseLeft()
        #expect(pair.adopted == [new])
        #expect(pair.log.contains { !$0.isLeft && $0.action == .adopted(new) })
        try fixture.append(.release(FeedFixture.release(3)))
        pair.run(pair.left.feedChanged(try fixture.feed(), now: pair.now), isLeft: true)
        #expect(pair.adopted.last?.log.size == 4)
        // Even a peer that knew nothing learns from one that it serves.
        var empty = Pair(site: fixture.site, left: new, right: nil)
        empty.synchroniseLeft()
        #expect(empty.adopted == [new])
    }

    @Test("a reader of the stolen history is brought back by any honest peer, whoever dials")
    func recovery() throws {
        let owner = try FeedFixture(releases: 2)
        var thief = owner
        try thief.append(.release(FeedFixture.release(.max, label: "9.9.9")))
        let recovered = try owner.recovered(to: 3, key: owner.laterKey, stolen: try thief.head())
        let good = try recovered.feed(by: owner.laterKey)
        for readerDials in [true, false] {
            let fooled = try thief.feed()
            var pair = Pair(site: owner.site, left: readerDials ? fooled : good, right: readerDials ? good : fooled)
            pair.synchroniseLeft()
            #expect(pair.adopted.first?.state.writer == owner.laterKey.publicKey)
            #expect(pair.adopted.first?.branches.first?.releases.map(\.seq) == [.max])
            #expect(pair.closed == nil)
        }
    }

    @Test("a forked peer is evidence, kept on both sides; the histories stay as they were")
    func fork() throws {
        let common = try FeedFixture(releases: 2)
        var left = common
        var right = common
        try left.append(.release(FeedFixture.release(3, label: "left")))
        try right.append(.release(FeedFixture.release(3, label: "right")))
        try right.append(.release(FeedFixture.release(4)))
        var pair = Pair(site: common.site, left: try left.feed(), right: try right.feed())
        pair.synchroniseLeft()
        let forks = pair.log.compactMap { if case .fork(let feed) = $0.action { feed } else { nil } }
        #expect(forks.count == 1)
        #expect(forks.first?.isQuarantined == true)
        #expect(forks.first?.branches.first?.releases.first?.label == "right")
        #expect(forks.first?.state.newest?.release.label == "left")
        #expect(pair.adopted.isEmpty)
    }

    @Test("of a fork of the same size both sides have the other's releases to show, and ask for them once")
    func forkOfOneSize() throws {
        let common = try FeedFixture(releases: 2)
        var left = common
        var right = common
        try left.append(.release(FeedFixture.release(3, label: "left")))
        try right.append(.release(FeedFixture.release(3, label: "right")))
        var pair = Pair(site: common.site, left: try left.feed(), right: try right.feed())
        pair.synchroniseLeft()
        pair.run(pair.right.synchronise(now: pair.now), isLeft: false)
        for (isLeft, label) in [(true, "right"), (false, "left")] {
            let forks = pair.log.compactMap { entry -> SiteFeed? in
                if case .fork(let feed) = entry.action, entry.isLeft == isLeft { feed } else { nil }
            }
            // At once by its head, then with what it says.
            #expect(forks.map { $0.branches.first?.releases.map(\.label) } == [[], [label]])
            #expect(!forks.contains { !$0.isQuarantined })
        }
        let before = pair.log.count
        pair.synchroniseLeft()
        let again = pair.log[before...].compactMap { if case .fork(let feed) = $0.action { feed } else { nil } }
        #expect(again.count == 1)
        #expect(pair.closed == nil)
    }

    @Test("S4-62: wrong key, forged head, entries that do not fit: the peer is left and nothing is adopted")
    func liars() throws {
        let fixture = try FeedFixture(releases: 2)
        let other = try FeedFixture.key(9).publicKey
        var forged = try fixture.head().bytes
        forged[100] ^= 1
        let foreign = SignedHead(
            site: fixture.site,
            size: 3,
            root: fixture.log.root,
            time: 0,
            epoch: FeedEpoch(),
            signer: try FeedFixture.key(9)
        )
        let lies: [(SiteQuery) -> SiteAnswer] = [
            { _ in .key(other) }, { $0 == .head ? .head(forged, holds: []) : .key(fixture.siteKey.publicKey) },
            {
                switch $0 {
                case .head: .head(foreign.bytes, holds: [])
                case .entries(let from, let offset): Self.entries(fixture.log.entries, from: from, offset: offset)
                default: .key(fixture.siteKey.publicKey)
                }
            },
            {
                switch $0 {
                case .head: (try? fixture.head()).map { .head($0.bytes, holds: []) } ?? .proof([])
                case .entries(let from, let offset): .entries(from: from, offset: offset, [255, 255, 255, 255])
                default: .key(fixture.siteKey.publicKey)
                }
            },
        ]
        for lie in lies {
            #expect(try Self.talk(to: lie, site: fixture.site) == .lied)
        }
    }

    /// The reader's end of a conversation with a peer that answers as `lie` says.
    private static func talk(to lie: (SiteQuery) -> SiteAnswer, site: Digest256) throws -> SiteCloseReason? {
        let now = ContinuousClock.now
        var session = SiteExchangeSession(site: site, feed: nil, now: now)
        var queue = session.synchronise(now: now)
        while !queue.isEmpty {
            switch queue.removeFirst() {
            case .send(let payload):
                guard case .request(let id, let query) = try SiteMessage.parse(payload) else { continue }
                queue += session.receive(SiteMessage.answer(id: id, lie(query)).encoded, now: now)
            case .adopted: Issue.record("a lie was adopted")
            case .close(let reason): return reason
            default: break
            }
        }
        return nil
    }

    private static func entries(_ entries: [[UInt8]], from: Int, offset: Int) -> SiteAnswer {
        var stream: [UInt8] = []
        for entry in entries[from...] {
            stream.append(bigEndian: UInt32(entry.count))
            stream += entry
        }
        return .entries(from: from, offset: offset, Array(stream.dropFirst(offset).prefix(15_000)))
    }

    @Test(
        "a first visit takes one flight each way: questions with the handshake, then the feed and the first page's nodes",
        arguments: [true, false]
    )
    func opening(readsEarly: Bool) throws {
        var fixture = try FeedFixture(releases: 1)
        let built = try DirectoryTests.build([["index.html"], ["other", "page.html"]])
        var release = FeedFixture.release(2)
        release.directory = built.root
        try fixture.append(.release(release))
        var pair = Pair(site: fixture.site, left: nil, right: try fixture.feed())
        pair.nodes = built.nodes
        let early = pair.left.open(path: ["index.html"], now: pair.now)
        #expect(early.count == 4)
        var answers: [SiteExchangeAction] = []
        if readsEarly {
            for payload in early {
                for action in pair.right.receive(payload, now: pair.now) {
                    guard case .read(let token, let hash) = action else {
                        answers.append(action)
                        continue
                    }
                    answers += pair.right.supply(token, node: built.nodes[hash], now: pair.now)
                }
            }
        }
        pair.run(pair.left.opened(reads: readsEarly, now: pair.now), isLeft: true)
        let sent = { (actions: [SiteExchangeAction]) in actions.count { if case .send = $0 { true } else { false } } }
        for case .send(let payload) in answers {
            let actions = pair.left.receive(payload, now: pair.now)
            #expect(sent(actions) == 0, "nothing more is asked")
            pair.run(actions, isLeft: true)
        }
        #expect(pair.adopted == [try fixture.feed()])
        let nodes = pair.log.compactMap { if case .directory(let nodes) = $0.action { nodes } else { nil } }
        #expect(nodes.map { $0.map(\.hash) } == [[built.root]])
        #expect(pair.closed == nil)
        // Who lies about the nodes of its own release gains nothing, and a peer that has none is no liar.
        var liar = Pair(site: fixture.site, left: nil, right: try fixture.feed())
        liar.nodes = [built.root: [1, 2, 3]]
        liar.run(liar.left.open(path: ["index.html"], now: liar.now).map { .send($0) }, isLeft: true)
        #expect(liar.adopted.count == 1)
        #expect(!liar.log.contains { if case .directory = $0.action { true } else { false } })
    }

    @Test("directory nodes: one by hash in parts, or all along a path in one answer; what lies is left")
    func nodes() throws {
        let fixture = try FeedFixture(releases: 1)
        let built = try DirectoryTests.build(DirectoryTests.flat(3000).map { ["html", "boost"] + $0 })
        var pair = Pair(site: fixture.site, left: nil, right: try fixture.feed())
        pair.nodes = built.nodes
        let path = ["html", "boost", "f001234.html"]
        pair.run(pair.left.ask(.path(node: built.root, path: path), id: 5, now: pair.now), isLeft: true)
        guard case .deliver(5, .nodes(let nodes)) = pair.log.last?.action else {
            Issue.record("no nodes came")
            return
        }
        #expect(nodes.first?.hash == built.root && nodes.count >= 3)
        #expect(nodes.allSatisfy { Hash.sha256($0.bytes) == $0.hash })

        let huge: CBOR = [0, .array((0..<1200).map { [.text("name\(10_000 + $0)"), .bytes(Digest256.zero)] })]
        let hash = Hash.sha256(huge.encoded)
        #expect(huge.encoded.count > 32_768)
        pair.nodes[hash] = huge.encoded
        pair.run(pair.left.ask(.node(hash), id: 6, now: pair.now), isLeft: true)
        #expect(pair.log.last?.action == .deliver(command: 6, .nodes([.init(hash: hash, bytes: huge.encoded)])))
        #expect(pair.largest <= 16_384)
        pair.run(pair.left.ask(.path(node: hash, path: ["name10500"]), id: 9, now: pair.now), isLeft: true)
        #expect(pair.log.last?.action == .deliver(command: 9, .nodes([.init(hash: hash, bytes: huge.encoded)])))
        pair.run(pair.left.ask(.node(.zero), id: 7, now: pair.now), isLeft: true)
        #expect(pair.log.last?.action == .deliver(command: 7, .refused(.notHeld)))
        pair.nodes[hash] = [1, 2, 3]
        pair.run(pair.left.ask(.node(hash), id: 8, now: pair.now), isLeft: true)
        #expect(pair.log.suffix(2).map(\.action) == [.deliver(command: 8, .wrongAnswer), .close(.lied)])
    }

    @Test("proofs are served to who keeps no entries")
    func proofs() throws {
        let fixture = try FeedFixture(releases: 6)
        var pair = Pair(site: fixture.site, left: nil, right: try fixture.feed())
        pair.run(pair.left.ask(.consistency(old: 3, new: 7), id: 1, now: pair.now), isLeft: true)
        pair.run(pair.left.ask(.inclusion(index: 2, size: 7), id: 2, now: pair.now), isLeft: true)
        pair.run(pair.left.ask(.inclusion(index: 9, size: 10), id: 3, now: pair.now), isLeft: true)
        let consistency = try #require(fixture.log.tree.consistencyProof(from: 3, to: 7))
        let inclusion = try #require(fixture.log.tree.inclusionProof(of: 2, in: 7))
        #expect(
            pair.log.map(\.action) == [
                .deliver(command: 1, .proof(consistency)), .deliver(command: 2, .proof(inclusion)),
                .deliver(command: 3, .refused(.notHeld)),
            ]
        )
    }

    @Test("a connection ends after 30 s without a word, and after 15 s without an answer")
    func timeouts() throws {
        let now = ContinuousClock.now
        var idle = SiteExchangeSession(site: .zero, feed: nil, now: now)
        #expect(idle.tick(now: now + .seconds(29)) == [.wake(at: now + .seconds(30))])
        #expect(idle.tick(now: now + .seconds(30)) == [.close(.idle)])
        #expect(idle.tick(now: now + .seconds(31)).isEmpty)
        var silent = SiteExchangeSession(site: .zero, feed: nil, now: now)
        #expect(silent.ask(.node(.zero), id: 1, now: now).last == .wake(at: now + .seconds(15)))
        #expect(
            silent.tick(now: now + .seconds(15)) == [.deliver(command: 1, .notAsked), .close(.unresponsive)]
        )
    }

    @Test("a peer that floods with requests is first refused, then left; unasked answers end it too")
    func floods() throws {
        let fixture = try FeedFixture(releases: 1)
        let now = ContinuousClock.now
        var session = SiteExchangeSession(site: fixture.site, feed: try fixture.feed(), now: now)
        let request = SiteMessage.request(id: 1, .key).encoded
        let busy = SiteMessage.refuse(id: 1, .busy).encoded
        var refused = 0
        var last: [SiteExchangeAction] = []
        for _ in 0..<3000 where last.last != .close(.flooding) {
            last = session.receive(request, now: now)
            if last.contains(.send(busy)) { refused += 1 }
        }
        #expect(last == [.close(.flooding)])
        #expect(refused == SiteExchangeSpecification.requestBurst)
        var other = SiteExchangeSession(site: fixture.site, feed: nil, now: now)
        let answer = SiteMessage.answer(id: 9, .proof([])).encoded
        #expect(other.receive(answer, now: now) == [.close(.unexpectedAnswer)])
    }

    @Test("a busy peer is asked again a second later, three times, and then given up")
    func busyPeer() {
        var now = ContinuousClock.now
        var session = SiteExchangeSession(site: .zero, feed: nil, now: now)
        var last = session.ask(.node(.zero), id: 5, now: now)
        for id: UInt32 in 1...3 {
            #expect(last.first == .send(SiteMessage.request(id: id, .node(.zero, offset: 0)).encoded))
            let refused = session.receive(SiteMessage.refuse(id: id, .busy).encoded, now: now)
            #expect(refused == [.wake(at: now + .seconds(1))])
            #expect(session.tick(now: now) == refused)
            now += .seconds(1)
            last = session.tick(now: now)
        }
        let refused = session.receive(SiteMessage.refuse(id: 4, .busy).encoded, now: now)
        #expect(refused.first == .deliver(command: 5, .refused(.busy)))
    }

    @Test("a type from a later version is refused, not punished")
    func laterVersions() throws {
        let now = ContinuousClock.now
        var session = SiteExchangeSession(site: .zero, feed: nil, now: now)
        let later = Array("d1:ii7e1:ti99ee".utf8)
        #expect(SiteMessage.refuse(id: 7, .notUnderstood).encoded == Array("d1:ci0e1:ii7e1:ti14ee".utf8))
        let entries = SiteMessage.request(id: 3, .entries(from: 1, offset: 9))
        #expect(entries.encoded == Array("d1:fi1e1:ii3e1:oi9e1:ti5ee".utf8))
        #expect(session.receive(later, now: now).first == .send(SiteMessage.refuse(id: 7, .notUnderstood).encoded))
        #expect(session.receive(Array("d1:ti99ee".utf8), now: now).count == 1)
        #expect(session.receive(Array("le".utf8), now: now) == [.close(.malformed(.missing(field: "t")))])
    }

    @Test("every message reads back; damaged ones give an error or a message, and a session never traps")
    func hostileBytes() throws {
        let fixture = try FeedFixture(releases: 3)
        let feed = try fixture.feed()
        let messages: [SiteMessage] = [
            .request(id: 1, .key), .request(id: 2, .head), .request(id: 3, .entries(from: 1, offset: 9)),
            .request(id: 4, .node(.zero, offset: 3)), .request(id: 5, .path(node: .zero, path: ["a", "b"])),
            .request(id: 6, .consistency(old: 1, new: 3)), .request(id: 7, .inclusion(index: 1, size: 3)),
            .answer(id: 1, .key(fixture.siteKey.publicKey)), .answer(id: 2, .head(feed.head.bytes, holds: [1, 2])),
            .answer(id: 3, .entries(from: 0, offset: 0, [0, 0, 0, 1, 9])),
            .answer(id: 4, .node(.zero, total: 9, offset: 1, [1, 2])), .answer(id: 5, .nodes([[1], [2, 3]])),
            .answer(id: 6, .proof([.zero, .zero])), .refuse(id: 7, .denied), .news(head: feed.head.bytes),
        ]
        let now = ContinuousClock.now
        for (seed, message) in messages.enumerated() {
            #expect(try SiteMessage.parse(message.encoded) == message)
            for bytes in HostileInput.truncations(of: message.encoded) {
                #expect(throws: SiteMessageError.self) { try SiteMessage.parse(bytes) }
            }
            for bytes in HostileInput.mutations(of: message.encoded, count: 400, seed: UInt64(seed)) {
                var session = SiteExchangeSession(site: fixture.site, feed: nil, now: now)
                _ = session.synchronise(now: now)
                _ = session.ask(.node(.zero), id: 1, now: now)
                _ = session.receive(bytes, now: now)
                var holder = SiteExchangeSession(site: fixture.site, feed: feed, now: now)
                for case .read(let token, _) in holder.receive(bytes, now: now) {
                    _ = holder.supply(token, node: [0x82, 0, 0x80], now: now)
                }
            }
        }
    }
}
