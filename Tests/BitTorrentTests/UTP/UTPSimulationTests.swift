// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import TestSupport
import Testing
import Wire

@Suite("uTP over a bad path")
struct UTPSimulationTests {
    /// Two hosts over the same kind of path, one connection between them.
    private static func pair(
        seed: UInt64,
        _ link: UTPLink,
        configuration: UTPConfiguration = UTPConfiguration()
    ) throws -> (world: UTPWorld, left: UTPHost, right: UTPHost, id: UTPConnectionID) {
        let world = UTPWorld(seed: seed)
        let left = world.add(UTPHost(1, seed: seed &+ 1, clock: 77_777, configuration: configuration), link)
        // The 32 bits of its clock wrap during the run.
        let right = world.add(UTPHost(2, seed: seed &+ 2, clock: 4_293_000_000, configuration: configuration), link)
        let id = try #require(world.dial(left, right))
        world.run(for: 10_000_000) { left.streams[id]?.isOpen == true }
        return (world, left, right, id)
    }

    @Test(
        "BEP 29: every byte arrives once and in order over a path that loses, doubles and reorders",
        arguments: 0..<24
    )
    func everyByte(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var link = UTPLink()
        link.delay = Int64.random(in: 50...60_000, using: &random)
        link.jitter = seed % 3 == 0 ? 0 : Int64.random(in: 0...20_000, using: &random)
        link.loss = [0, 0.01, 0.05, 0.15][Int(seed % 4)]
        link.duplication = seed % 5 == 0 ? 0.1 : 0
        link.rate = seed % 2 == 0 ? Double.random(in: 0.5...20, using: &random) : nil
        link.queue = 200_000
        let (world, left, right, id) = try Self.pair(seed: seed, link)
        #expect(left.streams[id]?.isOpen == true, "seed \(seed)")
        let there = random.bytes(Int.random(in: 1...400_000, using: &random))
        left.write(id, there)
        world.send(left)
        world.run(for: 2_000_000_000) { right.streams.values.contains { $0.incoming.count > 0 } }
        let other = try #require(right.streams.keys.first, "seed \(seed)")
        let back = random.bytes(Int.random(in: 1...200_000, using: &random))
        right.write(other, back)
        world.send(right)
        world.run(for: 2_000_000_000) {
            right.streams[other]?.incoming.count == there.count && left.streams[id]?.incoming.count == back.count
        }
        let thereArrived = right.streams[other]?.incoming == there
        #expect(thereArrived, "seed \(seed)")
        let backArrived = left.streams[id]?.incoming == back
        #expect(backArrived, "seed \(seed)")
        left.multiplexer.close(id, reason: 0, now: left.local(world.now))
        world.send(left)
        world.run(for: 60_000_000) { right.streams[other]?.finished != nil }
        #expect(right.streams[other]?.finished == 0, "seed \(seed)")
        right.multiplexer.close(other, now: right.local(world.now))
        world.send(right)
        world.run(for: 60_000_000) { left.multiplexer.count == 0 && right.multiplexer.count == 0 }
        #expect(left.multiplexer.count == 0 && right.multiplexer.count == 0, "seed \(seed)")
    }

    @Test(
        "a way back that was closed for a while is no long round trip: acknowledgements that had to be asked for, RFC 6298 §3"
    )
    func lostAcknowledgements() throws {
        var link = UTPLink()
        link.delay = 50_000
        let (world, left, right, id) = try Self.pair(seed: 3, link)
        let bytes = SplitMix64Bytes.long(200_000)
        left.write(id, bytes)
        world.links[right.endpoint]?.loss = 1
        world.send(left)
        world.run(for: 12_000_000)
        world.links[right.endpoint]?.loss = 0
        world.run(for: 60_000_000) { left.streams[id]?.arrived ?? 0 > 0 }
        #expect(left.multiplexer.statistics(id)?.roundTrip ?? 0 < 1_000_000)
        world.run(for: 10_000_000) { right.streams.values.first?.incoming.count == bytes.count }
        let bytesArrived = right.streams.values.first?.incoming == bytes
        #expect(bytesArrived)
    }

    @Test("BEP 29: sequence numbers wrap without a mark in the stream")
    func wraps() throws {
        var link = UTPLink()
        link.delay = 100
        link.loss = 0.002
        let (world, left, right, id) = try Self.pair(seed: 5, link)
        let bytes = SplitMix64Bytes.long(36_000_000)
        left.write(id, bytes)
        world.send(left)
        world.run(for: 600_000_000) { right.streams.values.first?.incoming.count == bytes.count }
        #expect(right.streams.values.first?.incoming.count == bytes.count)
        let bytesArrived = right.streams.values.first?.incoming == bytes
        #expect(bytesArrived)
    }

    @Test(
        "A path narrower than the link is found, and the packets that found it arrive all the same",
        arguments: [600, 1000, 1400]
    )
    func pathMTU(largest: Int) throws {
        var link = UTPLink()
        link.largest = largest
        let (world, left, right, id) = try Self.pair(seed: 9, link)
        let bytes = SplitMix64Bytes.long(600_000)
        left.write(id, bytes)
        world.send(left)
        // Probes that were lost come again in fragments: the link of this test then lets them through.
        world.run(for: 3_000_000) { (left.multiplexer.statistics(id)?.datagram ?? 0) > largest - 32 }
        let found = left.multiplexer.statistics(id)?.datagram ?? 0
        #expect(found <= largest)
        world.links[left.endpoint]?.largest = .max
        world.run(for: 60_000_000) { right.streams.values.first?.incoming.count == bytes.count }
        let bytesArrived = right.streams.values.first?.incoming == bytes
        #expect(bytesArrived)
    }
}

enum SplitMix64Bytes {
    /// Many bytes that show where they belong.
    static func long(_ count: Int) -> [UInt8] {
        var random = SplitMix64(seed: UInt64(count))
        return random.bytes(count)
    }
}
