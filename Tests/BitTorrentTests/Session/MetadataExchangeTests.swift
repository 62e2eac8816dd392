// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable import BitTorrent

@Suite("Collecting an info dictionary")
struct MetadataExchangeTests {
    private static let liar = ConnectionID(1)
    private static let honest = ConnectionID(2)

    @Test("BEP 9: a size that led nowhere is left aside, and holds up nobody who claims another")
    func inventedSize() {
        var exchange = MetadataExchange()
        #expect(!exchange.portionsToRequest(from: Self.liar, size: 9_000_000, pending: 0, now: .zero).isEmpty)
        #expect(exchange.portionsToRequest(from: Self.honest, size: 100, pending: 0, now: .zero) == [0])
        exchange.expire(now: .seconds(9))
        #expect(exchange.sizes == [9_000_000, 100], "they have their ten seconds")
        let later = MetadataExchange.patience + .seconds(1)
        exchange.expire(now: later)
        #expect(exchange.sizes.isEmpty)
        #expect(exchange.portionsToRequest(from: Self.liar, size: 9_000_000, pending: 0, now: later).isEmpty)
    }

    @Test("BEP 9: who lets the portions of an invented size dribble in for ever does not keep the right one out")
    func dribble() {
        var exchange = MetadataExchange()
        let length = TorrentSpecification.maximumMetadataBytes
        let portion = Array(repeating: UInt8(2), count: MetadataMessage.portionBytes)
        var now = Duration.zero
        // Each of them claims a size of its own, and as much as can be claimed.
        let liars = (0..<UInt32(8)).map { (id: ConnectionID(10 + $0), size: length - Int($0)) }
        for round in 0..<20 {
            for liar in liars {
                _ = exchange.portionsToRequest(from: liar.id, size: liar.size, pending: 0, now: now)
                #expect(exchange.receive(round, portion, from: liar.id, now: now) == nil)
            }
            now += .seconds(5)
            exchange.expire(now: now)
            #expect(exchange.sizes.reduce(0, +) <= MetadataExchange.maximumBytes)
            guard exchange.portionsToRequest(from: Self.honest, size: 100, pending: 0, now: now) == [0] else {
                continue
            }
            let bytes = Array(repeating: UInt8(1), count: 100)
            #expect(exchange.receive(0, bytes, from: Self.honest, now: now) == bytes)
            return
        }
        Issue.record("the honest peer was never asked")
    }

    @Test(
        "BEP 9: after two have spoilt a dictionary together, one that dribbles alone does not keep another from sending its own"
    )
    func dribbleAlone() {
        var exchange = MetadataExchange()
        let size = MetadataMessage.portionBytes + 10
        let wrong = Array(repeating: UInt8(1), count: MetadataMessage.portionBytes)
        #expect(exchange.portionsToRequest(from: Self.liar, size: size, pending: 0, now: .zero) == [0, 1])
        #expect(exchange.portionsToRequest(from: Self.honest, size: size, pending: 0, now: .zero).isEmpty)
        #expect(exchange.receive(0, wrong, from: Self.liar, now: .zero) == nil)
        #expect(exchange.receive(1, Array(repeating: 2, count: 10), from: Self.honest, now: .zero) != nil)
        #expect(exchange.failed() == nil, "nobody knows whose fault it is")
        #expect(exchange.portionsToRequest(from: Self.liar, size: size, pending: 0, now: .zero) == [0, 1])
        #expect(exchange.portionsToRequest(from: Self.honest, size: size, pending: 0, now: .zero) == [0, 1])
        #expect(exchange.receive(0, wrong, from: Self.liar, now: .zero) == nil)
        #expect(
            exchange.receive(0, Array(repeating: 2, count: MetadataMessage.portionBytes), from: Self.honest, now: .zero)
                == nil
        )
        #expect(exchange.receive(1, Array(repeating: 2, count: 10), from: Self.honest, now: .zero)?.first == 2)
    }

    @Test("BEP 9: where there is no other claim, the one that led nowhere is tried again")
    func onlyClaim() {
        var exchange = MetadataExchange()
        var now = Duration.zero
        var attempts = 0
        for _ in 0..<60 {
            if exchange.sizes.isEmpty,
                !exchange.portionsToRequest(from: Self.honest, size: 100, pending: 0, now: now).isEmpty
            {
                attempts += 1
            }
            now += .seconds(1)
            exchange.expire(now: now)
        }
        #expect(attempts >= 2)
    }

    @Test("BEP 9: portions that keep coming keep an attempt alive, however long it takes")
    func progress() {
        var exchange = MetadataExchange()
        let size = 10 * MetadataMessage.portionBytes
        let asked = exchange.portionsToRequest(from: Self.honest, size: size, pending: 0, now: .zero)
        let portion = Array(repeating: UInt8(2), count: MetadataMessage.portionBytes)
        for (index, number) in asked.dropLast().enumerated() {
            let now = Duration.seconds(9 * (index + 1))
            #expect(exchange.receive(number, portion, from: Self.honest, now: now) == nil)
            exchange.expire(now: now + .seconds(5))
            #expect(exchange.sizes == [size])
        }
    }
}
