// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import TestSupport
import Testing
import Wire

@Suite("Sessions under hostile input")
struct HostileSessionTests {
    static let messages: [PeerMessage] =
        PeerMessageTests.samples + [
            .haveAll, .unchoke, .interested, .bitfield([0xFE]), .have(3),
            .request(BlockRange(piece: 2, offset: 0, length: 16_384)),
            .extended(id: 1, payload: MetadataMessage.request(piece: 0).encoded),
            .extended(id: 1, payload: MetadataMessage.data(piece: 0, totalSize: 300, bytes: [1, 2]).encoded),
            .extended(id: 2, payload: [1]),
        ]

    static func stream(_ random: inout SplitMix64) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 1...12, using: &random) {
            messages.randomElement(using: &random)?.encode(into: &bytes)
            if Int.random(in: 0..<4, using: &random) == 0 {
                let block = BlockRange(piece: UInt32.random(in: 0...8, using: &random), offset: 0, length: 16_384)
                PeerMessage.encodePieceHeader(block, into: &bytes)
                bytes += Array(repeating: 3, count: 16_384)
            }
        }
        return bytes
    }

    @Test("Thousands of damaged conversations store nothing wrong and never trap", arguments: TorrentKind.allCases)
    func conversations(kind: TorrentKind) throws {
        let sample = try SampleContent(kind, sizes: [200_000])
        var random = SplitMix64(seed: 0xB17)
        for index in 0..<700 {
            let script = ScriptedPeer(sample, isSeed: index.isMultiple(of: 3))
            script.connect(index.isMultiple(of: 2) ? [.fast, .extensions, .v2] : [.extensions])
            let clean = Self.stream(&random)
            let damaged = HostileInput.mutations(of: clean, count: 1, seed: random.next()).first ?? []
            script.say(raw: index.isMultiple(of: 5) ? clean : damaged)
            script.peer.now += .seconds(30)
            script.peer.work()
            #expect(script.peer.disk.allSatisfy { $0.value == sample.piece($0.key) })
        }
    }

    @Test("While the metadata is unknown, hostile messages are bounded and never trap")
    func beforeMetadata() throws {
        let sample = try SampleContent(.v2, sizes: [200_000])
        var random = SplitMix64(seed: 0xB18)
        for _ in 0..<700 {
            let peer = SimulatedPeer(1, sample, isSeed: false, hasMetadata: false)
            guard let hash = sample.metainfo.infoHashes.short.first else { return }
            let handshake = Handshake(capabilities: [.fast, .extensions], hash: hash, peerID: hash)
            guard let connection = peer.accept(handshake.encoded, from: ScriptedPeer.address) else { continue }
            var extensions = ExtensionHandshake()
            extensions.extensions = ["ut_metadata": 1]
            extensions.metadataSize = Int.random(in: 0...40_000, using: &random)
            peer.receive(PeerMessage.extended(id: 0, payload: extensions.encoded).encoded, on: connection)
            let stream = HostileInput.mutations(of: Self.stream(&random), count: 1, seed: random.next()).first ?? []
            peer.receive(stream, on: connection)
            peer.work()
            #expect(!peer.events.contains(.metadata))
        }
    }

    @Test("BEP 9: who sends a wrong info dictionary is banned, and another peer's is taken")
    func wrongMetadata() throws {
        let sample = try SampleContent(.v1, sizes: [100_000])
        let other = try SampleContent(.v1, sizes: [100_000], seed: 99)
        let honest = SimulatedPeer(1, sample, isSeed: true)
        let leecher = SimulatedPeer(3, sample, isSeed: false, hasMetadata: false)
        let hash = try #require(sample.metainfo.infoHashes.v1)
        let liarID = Digest160(Array(repeating: 0xAB, count: 20)) ?? .zero
        let handshake = Handshake(capabilities: [.fast, .extensions], hash: hash, peerID: liarID)
        let connection = try #require(leecher.accept(handshake.encoded, from: ScriptedPeer.address))
        var extensions = ExtensionHandshake()
        extensions.extensions = ["ut_metadata": 1]
        extensions.metadataSize = other.metainfo.infoDictionary.count
        leecher.receive(PeerMessage.extended(id: 0, payload: extensions.encoded).encoded, on: connection)
        let lie = MetadataMessage.data(
            piece: 0,
            totalSize: other.metainfo.infoDictionary.count,
            bytes: other.metainfo.infoDictionary
        )
        leecher.receive(PeerMessage.extended(id: 1, payload: lie.encoded).encoded, on: connection)
        leecher.work()
        #expect(leecher.events.contains(.banned(ScriptedPeer.address)))
        let network = SimulatedNetwork([honest, leecher])
        leecher.update { $0.add(peers: [honest.address], now: $1) }
        #expect(network.run { leecher.events.contains(.complete) })
    }

    @Test("BEP 9: a size that a peer made up does not keep others' metadata away")
    func inventedSize() throws {
        let sample = try SampleContent(.v1, sizes: [100_000])
        let honest = SimulatedPeer(1, sample, isSeed: true)
        let leecher = SimulatedPeer(3, sample, isSeed: false, hasMetadata: false)
        let hash = try #require(sample.metainfo.infoHashes.v1)
        let liarID = Digest160(Array(repeating: 0xAB, count: 20)) ?? .zero
        let handshake = Handshake(capabilities: [.fast, .extensions], hash: hash, peerID: liarID)
        let connection = try #require(leecher.accept(handshake.encoded, from: ScriptedPeer.address))
        var extensions = ExtensionHandshake()
        extensions.extensions = ["ut_metadata": 1]
        extensions.metadataSize = 9_000_000
        leecher.receive(PeerMessage.extended(id: 0, payload: extensions.encoded).encoded, on: connection)
        let network = SimulatedNetwork([honest, leecher])
        leecher.update { $0.add(peers: [honest.address], now: $1) }
        #expect(network.run(4000, step: .milliseconds(50)) { leecher.events.contains(.complete) })
    }

    @Test("Metadata beyond 32 MiB is not asked for")
    func hugeMetadata() throws {
        let sample = try SampleContent(.v1, sizes: [100_000])
        for size in [(32 << 20) + 1, Int.max] {
            let peer = SimulatedPeer(3, sample, isSeed: false, hasMetadata: false)
            let hash = try #require(sample.metainfo.infoHashes.v1)
            let handshake = Handshake(capabilities: [.fast, .extensions], hash: hash, peerID: hash)
            let connection = try #require(peer.accept(handshake.encoded, from: ScriptedPeer.address))
            peer.outgoing = [:]
            var extensions = ExtensionHandshake()
            extensions.extensions = ["ut_metadata": 1]
            extensions.metadataSize = size
            peer.receive(PeerMessage.extended(id: 0, payload: extensions.encoded).encoded, on: connection)
            #expect(peer.outgoing.isEmpty)
        }
    }

    @Test("While the disk does not keep up, no more is fetched than the buffers hold", arguments: [16_384, 98_304])
    func slowDisk(bufferBytes: Int) throws {
        let sample = try SampleContent(.v1, sizes: [900_000], pieceLength: 32_768)
        let script = ScriptedPeer(sample, isSeed: false) { $0.bufferBytes = bufferBytes }
        script.connect()
        let connection = try #require(script.connection)
        script.peer.receive(PeerMessage.haveAll.encoded + PeerMessage.unchoke.encoded, on: connection)
        var received = 0
        for _ in 0..<100 {
            for block in script.requests() {
                received += Int(block.length)
                script.peer.receive(script.piece(block), on: connection)
            }
        }
        #expect(received == max(32_768, bufferBytes))
        for _ in 0..<100 {
            script.peer.work()
            for block in script.requests() { script.peer.receive(script.piece(block), on: connection) }
        }
        #expect(script.peer.disk.count == sample.pieceCount)
    }

    @Test("A peer that asks and never reads is closed before it costs more than its bound")
    func neverReads() throws {
        let sample = try SampleContent(.v1, sizes: [900_000], pieceLength: 262_144)
        let script = ScriptedPeer(sample, isSeed: true)
        script.connect()
        script.say(.interested)
        for round in 0..<4000 {
            script.say(.request(BlockRange(piece: UInt32(round % 3), offset: 0, length: 131_072)))
        }
        let waiting = script.connection.flatMap { script.peer.outgoing[$0]?.count } ?? 0
        #expect(waiting < 3 << 20)
    }
}
