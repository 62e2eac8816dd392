// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing
import Wire

@testable import BitTorrent

@Suite("Peers that abuse a session")
struct AbuseTests {
    static func sample() throws -> SampleContent { try SampleContent(.v1, sizes: [400_000], pieceLength: 32_768) }

    @Test("A handshake that dribbles in is given up after its time, however often a byte comes")
    func slowHandshake() throws {
        let sample = try Self.sample()
        let peer = SimulatedPeer(1, sample, isSeed: true)
        let hash = try #require(sample.metainfo.infoHashes.v1)
        let handshake = Handshake(capabilities: [.fast], hash: hash, peerID: hash).encoded
        let connection = try #require(peer.accept(Array(handshake.prefix(48)), from: ScriptedPeer.address))
        for byte in handshake[48..<68] where peer.closings.isEmpty {
            peer.now += .seconds(2)
            peer.work()
            peer.receive([byte], on: connection)
        }
        #expect(peer.closings == [.timeout])
    }

    @Test("Requests without end from a choked peer are refused, and then the peer is")
    func requestFlood() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: true)
        script.connect()
        let block = BlockRange(piece: 0, offset: 0, length: 16_384)
        let flood = Array(repeating: PeerMessage.request(block).encoded, count: 500).flatMap { $0 }
        for _ in 0..<20 where script.peer.closings.isEmpty {
            script.say(raw: flood)
            _ = script.heard()
        }
        #expect(script.peer.closings == [.flooding])
        #expect(script.peer.reads == 0)
    }

    @Test("A peer that says it has everything and refuses what it is asked for does not hold the others up")
    func lyingHave() throws {
        let sample = try Self.sample()
        let script = ScriptedPeer(sample, isSeed: false)
        script.connect()
        script.say(.haveAll, .unchoke)
        for _ in 0..<30 {
            for block in script.requests() { script.say(.reject(block)) }
            script.peer.now += .seconds(1)
            script.peer.work()
        }
        let honest = SimulatedPeer(7, sample, isSeed: true)
        let network = SimulatedNetwork([script.peer, honest])
        script.peer.update { $0.add(peers: [honest.address], now: $1) }
        #expect(network.run(4000) { script.peer.events.contains(.complete) })
    }

    @Test("Peers that never unchoke, never answer and never ask cost their places only until others want them")
    func useless() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: false) { $0.maximumConnections = 4 }
        for number in 2...5 { script.take(slot: UInt32(number), saying: [.haveAll]) }
        let newcomer = Endpoint(.v4(0x0A00_0909), port: 9)
        #expect(script.join(from: newcomer, number: 99) == nil)
        for _ in 0..<100 {
            script.peer.now += .seconds(7)
            for id in script.peer.session.connections.keys.sorted() {
                script.peer.receive(PeerMessage.keepAlive.encoded, on: id)
            }
            script.peer.work()
        }
        #expect(script.join(from: newcomer, number: 99) != nil)
        #expect(script.peer.closings == [.displaced])
    }

    @Test(
        "While some flood, dribble, lie and send noise, a session fetches everything from the honest",
        arguments: [1, 2, 3]
    )
    func amongAbusers(seed: UInt64) throws {
        let sample = try Self.sample()
        var random = SplitMix64(seed: seed)
        let script = ScriptedPeer(sample, isSeed: false)
        let honest = SimulatedPeer(7, sample, isSeed: true)
        let network = SimulatedNetwork([script.peer, honest], seed: seed)
        network.portion = 3000
        script.peer.update { $0.add(peers: [honest.address], now: $1) }
        var abusers: [ConnectionID] = []
        var mostActions = 0
        let done = network.run(6000) {
            if abusers.count < 12,
                let id = script.join(
                    from: Endpoint(.v4(0x0A00_0200 + UInt32(abusers.count)), port: 9),
                    number: UInt8(100 + abusers.count)
                )
            {
                abusers.append(id)
            }
            for id in abusers {
                let noise = HostileSessionTests.stream(&random)
                let messages: [PeerMessage] = [
                    .haveAll, .unchoke, .have(UInt32.random(in: 0...20, using: &random)), .interested,
                    .request(BlockRange(piece: 0, offset: 0, length: 16_384)), .allowedFast(1), .suggest(2),
                    ExchangeTests.exchange((0..<50).map { Endpoint(.v4(0x0A00_3000 + $0), port: 9) }),
                    .extended(id: 3, payload: [0, 0, 0, 1]),
                ]
                script.peer.receive(messages.randomElement(using: &random)?.encoded ?? [], on: id)
                if Bool.random(using: &random) { script.peer.receive(noise, on: id) }
                script.peer.outgoing[id] = nil
            }
            mostActions = max(mostActions, script.peer.session.queues.map(\.used).max() ?? 0)
            for queue in script.peer.session.queues where queue.used > queue.bound { Issue.record("\(queue)") }
            return script.peer.events.contains(.complete)
        }
        #expect(done)
        #expect(script.peer.disk.allSatisfy { $0.value == sample.piece($0.key) })
    }
}
