// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable import BitTorrent

@Suite("Collecting an info dictionary")
struct MetadataExchangeTests {
    private static let liar = ConnectionID(1)
    private static let honest = ConnectionID(2)

    @Test("BEP 9: a size that led nowhere is left aside, though its author is the first to be asked again")
    func inventedSize() {
        var exchange = MetadataExchange()
        #expect(!exchange.portionsToRequest(from: Self.liar, size: 9_000_000, pending: 0, now: .zero).isEmpty)
        #expect(exchange.portionsToRequest(from: Self.honest, size: 100, pending: 0, now: .zero).isEmpty)
        exchange.expire(now: .seconds(9))
        #expect(exchange.size == 9_000_000, "it has its ten seconds")
        let later = MetadataExchange.patience + .seconds(1)
        exchange.expire(now: later)
        #expect(exchange.portionsToRequest(from: Self.liar, size: 9_000_000, pending: 0, now: later).isEmpty)
        #expect(exchange.portionsToRequest(from: Self.honest, size: 100, pending: 0, now: later) == [0])
        let bytes = Array(repeating: UInt8(1), count: 100)
        #expect(exchange.receive(0, bytes, from: Self.honest, now: later) == bytes)
    }

    @Test("BEP 9: where there is no other claim, the one that led nowhere is tried again")
    func onlyClaim() {
        var exchange = MetadataExchange()
        var now = Duration.zero
        var attempts = 0
        for _ in 0..<60 {
            if exchange.size == nil,
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
            #expect(exchange.size == size)
        }
    }
}
