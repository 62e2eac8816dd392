// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing
import Wire

@testable import BitTorrent

@Suite("Choosing pieces, peers and depth")
struct PickerTests {
    @Test("The order of rarity is that of a plain sort, whatever happens", arguments: [1, 2, 3, 4])
    func rarity(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let count = 50
        var order = RarityOrder(pieceCount: count)
        var availability = Array(repeating: 0, count: count)
        var members: Set<Int> = []
        for _ in 0..<3000 {
            let piece = Int.random(in: 0..<count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                order.insert(piece)
                members.insert(piece)
            case 1:
                order.remove(piece)
                members.remove(piece)
            case 2:
                order.increment(piece)
                availability[piece] += 1
            default:
                order.decrement(piece)
                availability[piece] = max(0, availability[piece] - 1)
            }
            var listed: [Int] = []
            _ = order.first { piece in
                listed.append(piece)
                return false
            }
            #expect(Set(listed) == members && listed.count == members.count)
            #expect(zip(listed, listed.dropFirst()).allSatisfy { availability[$0] <= availability[$1] })
        }
    }

    @Test("BEP 3: a bitfield's first bit is the high one, and spare bits are refused")
    func bitfield() {
        var bits = Bitfield(count: 10)
        bits[0] = true
        bits[9] = true
        #expect(bits.wire == [0x80, 0x40])
        #expect(Bitfield(wire: [0x80, 0x40], count: 10) == bits)
        #expect(Bitfield(wire: [0x80, 0x60], count: 10) == nil)
        #expect(Bitfield(wire: [0x80], count: 10) == nil)
        #expect(Bitfield(allSet: 10).wire == [0xFF, 0xC0])
        #expect(bits.indices == [0, 9])
        #expect(Bitfield(allSet: 0).isFull)
        #expect(Bitfield(allSet: 64).setCount == 64)
    }

    @Test("The fastest keep their slots, and one slot goes round")
    func choker() {
        var choker = Choker(slots: 4)
        var random = SplitMix64(seed: 5)
        let candidates = (1...10).map { Choker.Candidate(id: ConnectionID($0), isUnchoked: false, rate: Int($0) * 100) }
        var optimistic: Set<ConnectionID> = []
        for _ in 0..<60 {
            let chosen = choker.rechoke(candidates, random: &random)
            #expect(chosen.count == 4)
            #expect(chosen.isSuperset(of: [ConnectionID(10), ConnectionID(9), ConnectionID(8)]))
            optimistic.formUnion(chosen)
        }
        #expect(optimistic.count > 7)
        #expect(choker.rechoke(Array(candidates.prefix(3)), random: &random).count == 3)
    }

    @Test("The pipeline grows faster than TCP's slow start while it pays, as that in a crowd, then follows the rate")
    func pipeline() {
        var pipeline = RequestPipeline(ownLimit: 1000, now: .zero)
        pipeline.peerLimit = 2000
        #expect(pipeline.depth == RequestPipeline.initialDepth)
        for _ in 0..<200 { pipeline.received(bytes: 16_384, now: .milliseconds(10)) }
        #expect(pipeline.depth == RequestPipeline.initialDepth + 400)
        var modest = RequestPipeline(ownLimit: 1000, now: .zero)
        modest.peerLimit = 2000
        modest.beginModestly()
        for _ in 0..<200 { modest.received(bytes: 16_384, now: .milliseconds(10)) }
        #expect(modest.depth == RequestPipeline.modestDepth + 200)
        // 100 blocks a second from now on.
        for second in 1...6 {
            for block in 0..<100 {
                pipeline.received(bytes: 16_384, now: .seconds(second) + .milliseconds(block * 10))
            }
        }
        #expect((180...320).contains(pipeline.depth), "\(pipeline.depth)")
        pipeline.peerLimit = 50
        #expect(pipeline.depth == 50)
        pipeline.stalled(now: .seconds(10))
        #expect(pipeline.depth == RequestPipeline.minimumDepth)
    }

    @Test("An address that fails is tried less and less, then forgotten; one the user gave is not")
    func book() {
        var book = PeerBook()
        let found = Endpoint(.v4(0x0808_0808), port: 1)
        let given = Endpoint(.v4(0x0808_0809), port: 1)
        book.add(found, source: .dht, now: .zero)
        book.add(given, source: .user, now: .zero)
        var now = Duration.zero
        var attempts: [Endpoint: Int] = [:]
        for _ in 0..<40_000 {
            now += .milliseconds(100)
            while let endpoint = book.takeDue(now: now) {
                attempts[endpoint, default: 0] += 1
                book.ended(endpoint, wasUseful: false, now: now)
            }
        }
        #expect(attempts[found] == PeerBook.patience + 1)
        #expect(attempts[given] ?? 0 > 200)
        book.ban(given, now: now)
        #expect(book.isBanned(Endpoint(.v4(0x0808_0809), port: 999)), "a public address is banned with all its ports")
        let local = Endpoint(.v4(0x7F00_0001), port: 7)
        book.ban(local, now: now)
        #expect(book.isBanned(local) && !book.isBanned(Endpoint(.v4(0x7F00_0001), port: 8)))
    }

    @Test("Of IPv6 the whole network of a banned subscriber is refused: whoever has one address of it has them all")
    func bannedNetwork() {
        var book = PeerBook()
        book.ban(Endpoint(.v6(high: 0x2001_0DB8_0000_0001, low: 5), port: 6881), now: .zero)
        #expect(book.isBanned(Endpoint(.v6(high: 0x2001_0DB8_0000_0001, low: 99), port: 7)))
        #expect(!book.isBanned(Endpoint(.v6(high: 0x2001_0DB8_0000_0002, low: 5), port: 6881)))
        for low in 1...3 as ClosedRange<UInt64> {
            let told = Endpoint(.v6(high: 0x2001_0DB8_0000_0003, low: low), port: 6881)
            book.add(told, source: .pex, teller: ConnectionID(1), now: .zero)
        }
        #expect(book.entries.count == 1, "and of one subscriber a peer names one address")
    }

    @Test("A local address that was banned again and again is let in from no port for a while; other addresses are")
    func localStrikes() {
        var book = PeerBook()
        let address = IPAddress.v4(0x7F00_0001)
        let fresh = Endpoint(address, port: 999)
        for strike in 0..<PeerBook.localPatience {
            #expect(!book.refuses(incoming: fresh, now: .zero))
            book.ban(Endpoint(address, port: UInt16(1000 + strike)), now: .zero)
        }
        #expect(book.refuses(incoming: fresh, now: .seconds(1)))
        #expect(!book.isBanned(fresh), "it may still be dialled: what listens there need not be the same")
        #expect(!book.refuses(incoming: Endpoint(.v4(0x7F00_0002), port: 999), now: .seconds(1)))
        #expect(!book.refuses(incoming: fresh, now: PeerBook.suspension + .seconds(1)))
    }

    @Test("An address that is seen alive elsewhere, or given by the user, is tried again soon, though it failed often")
    func aliveAgain() {
        let endpoint = Endpoint(.v4(0x0808_0808), port: 1)
        func failed() -> (book: PeerBook, now: Duration) {
            var (book, now) = (PeerBook(), Duration.zero)
            book.add(endpoint, source: .dht, now: now)
            for _ in 0..<PeerBook.patience {
                now = max(now, book.nextAttempt() ?? now)
                #expect(book.takeDue(now: now) == endpoint)
                book.ended(endpoint, wasUseful: false, now: now)
            }
            return (book, now)
        }
        var (book, now) = failed()
        book.add(endpoint, source: .pex, now: now)
        #expect(book.nextAttempt() ?? .zero > now + .seconds(30), "hearsay changes nothing")
        book.add(endpoint, source: .dht, isAlive: true, now: now)
        #expect(book.nextAttempt() == now + PeerBook.freshRetry)
        (book, now) = failed()
        book.add(endpoint, source: .user, now: now)
        #expect(book.nextAttempt() == now + PeerBook.freshRetry)
        #expect(book.entries[endpoint]?.isExplicit == true)
        #expect(book.takeDue(now: now + PeerBook.freshRetry) == endpoint)
        book.add(endpoint, source: .dht, isAlive: true, now: now)
        #expect(book.nextAttempt() == nil, "it is connected")
    }

    @Test("The book keeps at most its capacity")
    func bookBound() {
        var book = PeerBook()
        for number in 0..<5000 {
            book.add(Endpoint(.v4(UInt32(number)), port: 1), source: .dht, now: .zero)
        }
        #expect(book.entries.count == PeerBook.capacity)
    }
}
