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

    @Test("Bytes asked for one by one are read and sent, and do not fill the memory with what was read")
    func byteByByte() throws {
        let sample = try SampleContent(.v1, sizes: [1_000_000], pieceLength: 131_072)
        let script = ScriptedPeer(sample, isSeed: true) { $0.readCacheBytes = 1 << 18 }
        script.connect()
        script.say(.interested)
        for number in 0..<400 {
            script.say(.request(BlockRange(piece: UInt32(number % 7), offset: UInt32(number / 7 * 500), length: 1)))
            _ = script.heard()
        }
        #expect(script.peer.blocksSent == 400)
        #expect(script.peer.cachedReads <= (1 << 18) / 4096)
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

    @Test("BEP 52: leaf hashes asked for without end are made for a bounded number of bytes, and more as time goes on")
    func leafFlood() throws {
        let sample = try SampleContent(.v2, sizes: [200_000], pieceLength: 32_768)
        let script = ScriptedPeer(sample, isSeed: true)
        script.connect([.fast, .v2])
        _ = script.heard()
        let peer = try #require(script.connection.flatMap { script.peer.session.connections[$0] })
        script.say(.keepAlive)
        #expect(peer.leafBytes == TorrentSession.leafAllowance)
        peer.leafBytes = 5 * 32_768
        let tree = try #require(sample.metainfo.tree(file: 0))
        let request = try #require(tree.leafRequest(forPiece: 0))
        func answers(_ count: Int) -> Int {
            (0..<count).reduce(0) { sum, _ in
                script.say(.hashRequest(request))
                return sum + script.heard().messages.count { $0 != .hashReject(request) }
            }
        }
        #expect(answers(40) == 5)
        script.peer.now += .seconds(1)
        script.peer.work()
        #expect(answers(100) == TorrentSession.leafBytesPerSecond / 32_768)
    }

    @Test("BEP 52: hash requests without end are refused while the answers are not read, and then the peer is dropped")
    func hashFlood() throws {
        let sample = try SampleContent(.v2, sizes: [400_000], pieceLength: 16_384)
        let script = ScriptedPeer(sample, isSeed: true)
        script.connect([.fast, .v2])
        let root = try #require(sample.metainfo.files.first?.piecesRoot)
        let tree = try #require(MerkleTree(root: root, length: 400_000, pieceLength: 16_384))
        let request = try #require(tree.request(forPiece: 0))
        let flood = Array(repeating: PeerMessage.hashRequest(request).encoded, count: 2000).flatMap { $0 }
        var most = 0
        for _ in 0..<100 where script.peer.closings.isEmpty {
            script.say(raw: flood)
            most = max(most, script.connection.flatMap { script.peer.outgoing[$0]?.count } ?? 0)
        }
        #expect(script.peer.closings == [.notReading])
        #expect(most <= 2 * TorrentSession.maximumUnsent + (1 << 20))
    }

    @Test("A block that dribbles in does not hold its piece: others are asked, and what they send is kept")
    func slowBlock() throws {
        let sample = try Self.sample()
        let script = ScriptedPeer(sample, isSeed: false)
        script.connect()
        script.say(.haveAll, .unchoke)
        let request = try #require(script.requests().first)
        let bytes = script.piece(request)
        script.say(raw: Array(bytes.prefix(100)))
        let honest = SimulatedPeer(7, sample, isSeed: true)
        let network = SimulatedNetwork([script.peer, honest])
        script.peer.update { $0.add(peers: [honest.address], now: $1) }
        var next = 100
        let isDone = network.run(4000, step: .milliseconds(20)) {
            if next < 400, let connection = script.connection {
                script.peer.receive([bytes[next]], on: connection)
                next += 1
            }
            return script.peer.events.contains(.complete)
        }
        #expect(isDone)
        #expect(network.now < .seconds(30))
        #expect(script.peer.disk.allSatisfy { $0.value == sample.piece($0.key) })
    }

    @Test(
        "Who dials with the id of a connected peer does not have it thrown out, unless it comes from that peer's address",
        arguments: [true, false]
    )
    func impersonation(isSameHost: Bool) throws {
        let sample = try Self.sample()
        let lowest = try #require(Digest160(Array(repeating: 0, count: 20)))
        let peer = SimulatedPeer(1, sample, isSeed: false) { $0.peerID = lowest }
        let honest = Endpoint(.v4(0x0A00_0002), port: 6881)
        peer.update { $0.add(peers: [honest], now: $1) }
        let dial = try #require(peer.dials.first?.0)
        peer.update { $0.connected(dial, now: $1) }
        let hash = try #require(sample.metainfo.infoHashes.v1)
        let id = try #require(Digest160(Array(repeating: 9, count: 20)))
        let handshake = Handshake(capabilities: [.fast], hash: hash, peerID: id).encoded
        peer.receive(handshake, on: dial)
        _ = peer.accept(handshake, from: Endpoint(.v4(isSameHost ? 0x0A00_0002 : 0x0A00_0666), port: 4000))
        #expect(peer.closings == [.duplicate])
        #expect(peer.closed.contains(dial) == isSameHost)
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
                    ExchangeTests.exchange((0..<50).map { Endpoint(.v4(0x0A00_3000 + $0), port: 6881) }),
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
