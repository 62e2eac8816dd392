// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import TestSupport
import Testing
import Wire

@Suite("uTP against hostile packets")
struct UTPHostileTests {
    private static let stranger = Endpoint(.v4(0x0A09_0909), port: 4000)

    /// An open connection, some bytes delivered both ways, and what went over the wire.
    private static func open(
        seed: UInt64
    ) throws -> (world: UTPWorld, left: UTPHost, right: UTPHost, id: UTPConnectionID) {
        let world = UTPWorld(seed: seed)
        let left = world.add(UTPHost(1, seed: seed &+ 1), UTPLink())
        let right = world.add(UTPHost(2, seed: seed &+ 2), UTPLink())
        let id = try #require(world.dial(left, right))
        left.write(id, Array(repeating: 1, count: 5000))
        world.run(for: 1_000_000) { right.streams.values.first?.incoming.count == 5000 }
        return (world, left, right, id)
    }

    /// A packet as the right host would send it on this connection.
    private static func packet(
        _ type: UInt8,
        id: UInt16,
        sequence: UInt16,
        acknowledged: UInt16,
        window: UInt32 = 1 << 20,
        extensions: [UInt8] = [],
        firstExtension: UInt8 = 0,
        payload: [UInt8] = []
    ) -> [UInt8] {
        var bytes: [UInt8] = [type << 4 | 1, firstExtension]
        bytes.append(bigEndian: id)
        bytes.append(bigEndian: UInt32(1))
        bytes.append(bigEndian: UInt32(1))
        bytes.append(bigEndian: window)
        bytes.append(bigEndian: sequence)
        bytes.append(bigEndian: acknowledged)
        return bytes + extensions + payload
    }

    @Test("Damaged packets, of strangers and of the other side, never trap; the stream goes on", arguments: 0..<8)
    func damaged(seed: UInt64) throws {
        let (world, left, right, id) = try Self.open(seed: seed)
        left.write(id, SplitMix64Bytes.long(60_000))
        var random = SplitMix64(seed: seed)
        let samples = left.flush(world.now).map(\.bytes)
        for sample in samples {
            world.post(sample, from: left.endpoint, to: right.endpoint)
            for bytes in HostileInput.mutations(of: sample, count: 60, seed: random.next()) {
                // What another host sends cannot be mistaken for the connection's; the first bytes of what its own host sends
                // are kept as they are, so that only the header is damaged and the stream's bytes stay right.
                right.receive(bytes, from: Self.stranger, now: world.now)
                if bytes.count < 20 { right.receive(bytes, from: left.endpoint, now: world.now) }
            }
            for bytes in HostileInput.truncations(of: Array(sample.prefix(40))) {
                right.receive(Array(bytes.prefix(20)), from: left.endpoint, now: world.now)
            }
        }
        world.run(for: 30_000_000) { right.streams.values.first?.incoming.count == 65_000 }
        let isRight = right.streams.values.first?.incoming.suffix(60_000) == SplitMix64Bytes.long(60_000)[...]
        #expect(isRight, "seed \(seed)")
    }

    @Test("Noise in every field of packets of a connection never traps", arguments: 0..<8)
    func noise(seed: UInt64) throws {
        let (world, left, right, id) = try Self.open(seed: seed)
        left.write(id, SplitMix64Bytes.long(100_000))
        var random = SplitMix64(seed: seed &+ 77)
        for _ in 0..<4000 {
            for (destination, bytes) in left.flush(world.now) where destination == right.endpoint {
                var bytes = bytes
                bytes[0] = UInt8.random(in: 0...4, using: &random) << 4 | 1
                for index in [1, 12, 16, 17, 18, 19] where Int.random(in: 0..<4, using: &random) == 0 {
                    bytes[index] = UInt8.random(in: 0...255, using: &random)
                }
                right.receive(bytes, from: left.endpoint, now: world.now)
                for (_, answer) in right.flush(world.now) {
                    var answer = answer
                    for index in [1, 12, 16, 17, 18, 19] where Int.random(in: 0..<4, using: &random) == 0 {
                        answer[index] = UInt8.random(in: 0...255, using: &random)
                    }
                    left.receive(answer, from: right.endpoint, now: world.now)
                }
            }
            world.now += 50_000
        }
        #expect(left.multiplexer.count <= 1)
    }

    @Test("An acknowledgement of what was never sent changes nothing")
    func spoofedAcknowledgement() throws {
        let (world, left, right, id) = try Self.open(seed: 3)
        left.write(id, Array(repeating: 2, count: 100_000))
        let sent = left.flush(world.now).map(\.bytes)
        let connection = UInt16(sent[0][2]) << 8 | UInt16(sent[0][3])
        let sequence = UInt16(sent[0][16]) << 8 | UInt16(sent[0][17])
        let before = left.multiplexer.statistics(id)
        #expect((before?.underWay ?? 0) > 0)
        for ahead in [UInt16(sent.count) + 1, 1000, 20_000, 32_000] {
            let wrong = Self.packet(2, id: connection &- 1, sequence: 1, acknowledged: sequence &+ ahead, window: 0)
            left.receive(wrong, from: right.endpoint, now: world.now)
        }
        #expect(left.multiplexer.statistics(id) == before)
        // A mask that names packets far beyond those sent acknowledges those sent and nothing else.
        let mask = Self.packet(
            2,
            id: connection &- 1,
            sequence: 1,
            acknowledged: sequence &- 1,
            extensions: [0, 252] + Array(repeating: 0xFF, count: 252),
            firstExtension: 1
        )
        left.receive(mask, from: right.endpoint, now: world.now)
        #expect(left.multiplexer.statistics(id)?.underWay == 0)
        #expect(left.streams[id]?.ended == nil)
    }

    @Test("Held packets stay within the window, whatever is sent")
    func boundedReordering() throws {
        var configuration = UTPConfiguration()
        configuration.receiveWindow = 100_000
        configuration.longReceiveWindow = 100_000
        let world = UTPWorld(seed: 4)
        let left = world.add(UTPHost(1, seed: 8), UTPLink())
        let right = world.add(UTPHost(2, seed: 9, configuration: configuration), UTPLink())
        let id = try #require(world.dial(left, right))
        left.write(id, [1])
        world.run(for: 1_000_000) { right.streams.values.first?.incoming.count == 1 }
        left.write(id, [2])
        let flushed = left.flush(world.now)
        let sample = try #require(flushed.first?.bytes)
        let sequence = UInt16(sample[16]) << 8 | UInt16(sample[17])
        for ahead in UInt16(1)...9000 {
            var bytes = Array(sample[..<16])
            bytes.append(bigEndian: sequence &+ ahead)
            bytes += sample[18..<20] + Array(repeating: 7, count: 1000)
            right.receive(bytes, from: left.endpoint, now: world.now)
        }
        let held = right.streams.values.first?.held.values.reduce(0) { $0 + $1.count } ?? 0
        #expect(held <= 100_000)
        #expect(held >= 99_000)
        right.receive(sample, from: left.endpoint, now: world.now)
        #expect(right.streams.values.first?.held.isEmpty == true)
        #expect(right.streams.values.first?.incoming.count == 2 + held)
    }

    @Test("A flood of first packets costs a bounded number of connections, answered with no more bytes than came")
    func synFlood() {
        let host = UTPHost(2, seed: 1)
        var received = 0
        var sent = 0
        for number in 0..<5000 {
            let source = Endpoint(.v4(0x0B00_0000 + UInt32(number / 4)), port: UInt16(1000 + number % 4))
            let syn = Self.packet(4, id: UInt16(truncatingIfNeeded: number * 7), sequence: 1, acknowledged: 0)
            received += syn.count
            host.receive(syn, from: source, now: 1_000_000)
            sent += host.flush(1_000_000).reduce(0) { $0 + $1.bytes.count }
        }
        #expect(host.multiplexer.count <= 256)
        #expect(sent <= received)
        #expect(host.accepted.isEmpty)
    }

    @Test("One address does not push all others out")
    func oneAddressFlood() throws {
        let world = UTPWorld(seed: 6)
        let left = world.add(UTPHost(1, seed: 5), UTPLink())
        let right = world.add(UTPHost(2, seed: 6), UTPLink())
        let id = try #require(world.dial(left, right))
        for number in UInt16(0)..<2000 {
            let syn = Self.packet(4, id: number, sequence: 1, acknowledged: 0)
            right.receive(syn, from: Self.stranger, now: world.now)
            _ = right.flush(world.now)
        }
        left.write(id, [1, 2, 3])
        world.run(for: 10_000_000) { right.streams.values.first?.incoming.count == 3 }
        #expect(right.streams.values.first?.incoming == [1, 2, 3])
    }

    @Test("Packets of unknown connections are refused a few times a second, with 20 bytes each")
    func resetsAreLimited() {
        let host = UTPHost(2, seed: 1)
        let stray = Self.packet(0, id: 9, sequence: 5, acknowledged: 6, payload: Array(repeating: 0, count: 500))
        var answers: [[UInt8]] = []
        for _ in 0..<1000 {
            host.receive(stray, from: Self.stranger, now: 5_000_000)
            answers += host.flush(5_000_000).map(\.bytes)
        }
        #expect(answers.count == UTPConfiguration().resetsPerSecond)
        #expect(answers.allSatisfy { $0.count == 20 && $0[0] == 0x31 })
        let reset = Self.packet(3, id: 9, sequence: 5, acknowledged: 6)
        host.receive(reset, from: Self.stranger, now: 50_000_000)
        #expect(host.flush(50_000_000).isEmpty)
    }

    @Test("A reset ends a connection, one that acknowledges what was never sent does not")
    func resets() throws {
        let (world, left, right, id) = try Self.open(seed: 12)
        left.write(id, [9])
        let flushed = left.flush(world.now)
        let sample = try #require(flushed.first?.bytes)
        let connection = UInt16(sample[2]) << 8 | UInt16(sample[3])
        let sequence = UInt16(sample[16]) << 8 | UInt16(sample[17])
        let forged = Self.packet(3, id: connection, sequence: 0, acknowledged: sequence &+ 500)
        left.receive(forged, from: right.endpoint, now: world.now)
        _ = left.flush(world.now)
        #expect(left.streams[id]?.ended == nil)
        // As who never heard of the connection writes it: by the number that came, and the packet that it refuses.
        left.receive(
            Self.packet(3, id: connection, sequence: 0, acknowledged: sequence),
            from: right.endpoint,
            now: world.now
        )
        _ = left.flush(world.now)
        #expect(left.streams[id]?.ended == .reset)
        #expect(left.multiplexer.count == 0)
    }

    @Test("Who reads nothing stops the other side at the window, and starts it again")
    func backpressure() throws {
        let (world, left, right, id) = try Self.open(seed: 14)
        let other = try #require(right.streams.keys.first)
        right.readsNothing = true
        let bytes = SplitMix64Bytes.long(3_000_000)
        left.write(id, bytes)
        world.run(for: 5_000_000)
        let kept = (right.streams[other]?.incoming.count ?? 0) - 5000
        #expect(kept <= 1 << 20)
        #expect(kept > 1 << 19)
        right.readsNothing = false
        right.multiplexer.consumed(other, count: kept)
        world.send(right)
        world.run(for: 60_000_000) { right.streams[other]?.incoming.count == 3_005_000 }
        #expect(right.streams[other]?.incoming.count == 3_005_000)
    }
}
