// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing
import Wire

@testable import BitTorrent

@Suite("A lone seed with many fetchers")
struct SpreadTests {
    private static func sample() throws -> SampleContent {
        try SampleContent(.v1, sizes: [96 * 16_384], pieceLength: 16_384)
    }

    /// What the session has sent to a connection, and takes note of as sent.
    private static func heard(_ script: ScriptedPeer, _ connection: ConnectionID) -> [PeerMessage] {
        guard let bytes = script.peer.outgoing.removeValue(forKey: connection) else { return [] }
        script.peer.sent(bytes.count, on: connection)
        var parser = PeerMessageParser(limits: .init(bitfieldBytes: 1 << 20))
        var messages: [PeerMessage] = []
        var offset = bytes.starts(with: [19]) ? Handshake.byteCount : 0
        while let event = try? parser.next(bytes.span, offset: &offset) {
            if case .message(let message) = event { messages.append(message) }
        }
        return messages
    }

    private static func suggested(_ messages: [PeerMessage]) -> [Int] {
        messages.compactMap { message in
            if case .suggest(let piece) = message { return Int(piece) }
            return nil
        }
    }

    @Test("S0-01: one or two fetchers are suggested nothing; from three on each is suggested pieces of its own (BEP 6)")
    func suggestions() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: true)
        let first = try #require(script.take(slot: 1))
        let second = try #require(script.take(slot: 2))
        #expect(Self.suggested(Self.heard(script, first) + Self.heard(script, second)).isEmpty)
        let third = try #require(script.take(slot: 3))
        let fourth = try #require(script.take(slot: 4))
        let lists = [first, second, third, fourth].map { Self.suggested(Self.heard(script, $0)) }
        let goal = SeedSpread.maximumOffers
        for list in lists { #expect(list.count == goal) }
        #expect(Set(lists.joined()).count == 4 * goal, "no piece twice")
        let piece = lists[3][0]
        let request = PeerMessage.request(BlockRange(piece: UInt32(piece), offset: 0, length: 16_384))
        script.peer.receive(request.encoded, on: fourth)
        let next = Self.suggested(Self.heard(script, fourth))
        #expect(next.count == 1 && !lists.joined().contains(next[0]), "another for the one that was asked for")
    }

    @Test("S0-01: suggestions stand before the unchoke, so that the first requests follow them")
    func order() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: true)
        for number in 1...2 { script.take(slot: UInt32(number)) }
        let third = try #require(script.take(slot: 3))
        let messages = Self.heard(script, third)
        let unchoke = try #require(messages.firstIndex(of: .unchoke))
        let first = try #require(messages.firstIndex { Self.suggested([$0]).count == 1 })
        #expect(first < unchoke)
    }

    @Test(
        "S0-01: on a busy line what another was given waits, a little of it is served after a moment, all of it in a few"
    )
    func waiting() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: true)
        let ids = (1...3).compactMap { script.take(slot: $0) }
        let blocks = (0..<96).map { BlockRange(piece: $0, offset: 0, length: 16_384) }
        // It has been seen to be slow.
        for _ in 0..<3 {
            script.peer.now += SeedSpread.window
            script.peer.sent(1000, on: ids[0])
        }
        // The first asks for everything and takes nothing: the line is busy for as long as we like.
        script.peer.receive(blocks.flatMap { PeerMessage.request($0).encoded }, on: ids[0])
        for _ in 0..<4 { script.peer.work() }
        script.peer.receive(blocks.flatMap { PeerMessage.request($0).encoded }, on: ids[1])
        #expect(script.peer.session.connections[ids[1]]?.deferred.count == 96 - SeedSpread.firstGrace / 16_384)
        var sent: [Int] = []
        for _ in 0..<8 {
            script.peer.now += SeedSpread.pause
            for _ in 0..<20 {
                script.peer.work()
                if let bytes = script.peer.outgoing.removeValue(forKey: ids[1]) {
                    script.peer.sent(bytes.count, on: ids[1])
                }
            }
            sent.append(96 - (script.peer.session.connections[ids[1]]?.deferred.count ?? 0))
        }
        #expect(sent.first.map { $0 < 20 } == true, "\(sent)")
        #expect(sent.last == 96, "\(sent)")
    }

    @Test("S0-01: a line that takes half a gigabit a second lets nobody wait")
    func fastLine() {
        var spread = SeedSpread(pieceCount: 4, start: 0)
        #expect(!spread.isLineSlow, "nothing is known of it")
        for step in 0...2 { spread.took(5 << 20, now: .milliseconds(100 * step)) }
        #expect(spread.isLineSlow)
        spread.took(7 << 20, now: .milliseconds(300))
        #expect(!spread.isLineSlow)
        spread.took(1, now: .milliseconds(900))
        #expect(!spread.isLineSlow, "it need not show it again and again")
    }

    @Test("S0-01: a fetcher that leaves takes what it was given with it: the next may have it at once")
    func leaving() throws {
        var spread = SeedSpread(pieceCount: 4, start: 1)
        let ids = [ConnectionID(1), ConnectionID(2)]
        let offers = (0..<4).map { spread.offer(to: ids[$0 / 3], where: { _ in true }) }
        #expect(Set(offers.compactMap { $0 }) == [0, 1, 2, 3])
        for piece in 0..<4 { spread.give(piece, to: ids[piece / 3]) }
        #expect(spread.isWithAnother(0, than: ids[1]))
        spread.ended(ids[0], isKept: false, now: .zero)
        #expect(!spread.isWithAnother(0, than: ids[1]) && spread.isWithAnother(3, than: ids[0]))
        spread.ended(ids[1], isKept: true, now: .zero)
        #expect(spread.isWithAnother(3, than: ids[0]), "it had everything: others find it there")
    }
    @Test(
        "S0-01: what nobody asked for is offered to others too, the longest offered first, and never to whom it was offered"
    )
    func secondOffers() {
        var spread = SeedSpread(pieceCount: 6, start: 3)
        let (first, second) = (ConnectionID(1), ConnectionID(2))
        let offered = (0..<6).compactMap { _ in spread.offer(to: first) { _ in true } }
        #expect(offered == [3, 4, 5, 0, 1, 2])
        #expect(spread.offer(to: first) { _ in true } == nil)
        for piece in [3, 0] { spread.give(piece, to: first) }
        #expect(spread.offer(to: second) { $0 != 4 } == 5)
        #expect(spread.offer(to: second) { _ in true } == 4)
        #expect(spread.offer(to: first) { _ in true } == 5, "and back again")
        spread.ended(first, isKept: false, now: .zero)
        #expect(spread.offer(to: second) { $0 == 5 || $0 == 3 } == 3, "whoever has gone has nothing")
        #expect(Set((0..<5).compactMap { _ in spread.offer(to: second) { $0 != 5 } }) == [0, 1, 2])
    }
}
