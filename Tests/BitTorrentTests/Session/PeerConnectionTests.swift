// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import TestSupport
import Testing
import Wire

/// One session under the hands of a test that plays the peer, message by message.
final class ScriptedPeer {
    let sample: SampleContent
    let peer: SimulatedPeer
    private(set) var connection: ConnectionID?
    static let address = Endpoint(.v4(0x0A00_00FF), port: 6881)

    /// Where the scripted peer is.
    private let own: Endpoint

    init(
        _ sample: SampleContent,
        isSeed: Bool,
        content: TorrentContent? = nil,
        address: Endpoint = ScriptedPeer.address,
        adjust: (inout SessionConfiguration) -> Void = { _ in }
    ) {
        self.sample = sample
        own = address
        peer = SimulatedPeer(1, sample, isSeed: isSeed, content: content, adjust: adjust)
    }

    /// Dials the session.
    func connect(_ capabilities: Handshake.Capabilities = [.fast, .extensions], hash: Digest160? = nil) {
        guard let hash = hash ?? sample.metainfo.infoHashes.short.first else { return }
        let id = Digest160(Array(repeating: 0xEE, count: 20)) ?? .zero
        let handshake = Handshake(capabilities: capabilities, hash: hash, peerID: id)
        connection = peer.accept(handshake.encoded, from: own)
    }

    /// Another peer connects, and is served.
    @discardableResult
    func take(slot number: UInt32, saying: [PeerMessage] = [.haveNone, .interested]) -> ConnectionID? {
        let other = join(
            from: Endpoint(.v4(0x0A00_0100 + number), port: 6881),
            number: UInt8(truncatingIfNeeded: number)
        )
        if let other { for message in saying { peer.receive(message.encoded, on: other) } }
        return other
    }

    /// Another peer connects; `number` makes up its id.
    func join(from endpoint: Endpoint, number: UInt8) -> ConnectionID? {
        guard let hash = sample.metainfo.infoHashes.short.first else { return nil }
        let id = Digest160(Array(repeating: number, count: 20)) ?? .zero
        let handshake = Handshake(capabilities: [.fast, .extensions], hash: hash, peerID: id)
        return peer.accept(handshake.encoded, from: endpoint)
    }

    func say(_ messages: PeerMessage...) {
        guard let connection else { return }
        for message in messages { peer.receive(message.encoded, on: connection) }
        for _ in 0..<4 { peer.work() }
    }

    func say(raw bytes: [UInt8]) {
        guard let connection else { return }
        peer.receive(bytes, on: connection)
        for _ in 0..<4 { peer.work() }
    }

    /// The session's handshake, the first time, and its messages since the last call; blocks apart.
    func heard() -> (handshake: Handshake?, messages: [PeerMessage], blocks: [BlockRange]) {
        guard let connection, var bytes = peer.outgoing.removeValue(forKey: connection) else { return (nil, [], []) }
        peer.sent(bytes.count, on: connection)
        let handshake = try? Handshake.parse(bytes[...])
        if handshake != nil { bytes.removeFirst(Handshake.byteCount) }
        var parser = PeerMessageParser(limits: .init(bitfieldBytes: 1 << 20))
        var messages: [PeerMessage] = []
        var blocks: [BlockRange] = []
        var offset = 0
        while let event = try? parser.next(bytes.span, offset: &offset) {
            switch event {
            case .message(let message): messages.append(message)
            case .block(let block): blocks.append(block)
            case .payload: break
            }
        }
        return (handshake, messages, blocks)
    }

    func requests() -> [BlockRange] {
        heard().messages.compactMap { message in
            if case .request(let block) = message { return block }
            return nil
        }
    }

    func piece(_ block: BlockRange, corrupted: Bool = false) -> [UInt8] {
        var bytes: [UInt8] = []
        PeerMessage.encodePieceHeader(block, into: &bytes)
        let content = sample.piece(Int(block.piece))[Int(block.offset)...].prefix(Int(block.length))
        return bytes + (corrupted ? content.map { ~$0 } : Array(content))
    }
}

@Suite("One connection, message by message")
struct PeerConnectionTests {
    static func sample(_ kind: TorrentKind = .v1) throws -> SampleContent {
        try SampleContent(kind, sizes: [200_000], pieceLength: 32_768)
    }

    @Test("BEP 6: the first message says all or nothing, and an empty bitfield is never sent")
    func greeting() throws {
        let seed = ScriptedPeer(try Self.sample(), isSeed: true)
        seed.connect()
        let (handshake, messages, _) = seed.heard()
        #expect(handshake?.hash == seed.sample.metainfo.infoHashes.v1)
        #expect(messages.contains(.haveAll))
        let empty = ScriptedPeer(try Self.sample(), isSeed: false)
        empty.connect()
        #expect(empty.heard().messages.contains(.haveNone))
        let plain = ScriptedPeer(try Self.sample(), isSeed: false)
        plain.connect([])
        #expect(plain.heard().messages.isEmpty)
        let plainSeed = ScriptedPeer(try Self.sample(), isSeed: true)
        plainSeed.connect([])
        #expect(plainSeed.heard().messages == [.bitfield([0xFE])])
    }

    @Test("BEP 52: a hybrid dialled with the v2 bit and the v1 hash answers with the v2 hash")
    func upgrade() throws {
        let sample = try Self.sample(.hybrid)
        let v1 = sample.metainfo.infoHashes.v1
        let v2 = sample.metainfo.infoHashes.v2?.truncated
        let cases: [(Handshake.Capabilities, Digest160?, Digest160?)] = [
            (.v2, v1, v2), (.fast, v1, v1), (.fast, v2, v2),
        ]
        for (capabilities, hash, answer) in cases {
            let script = ScriptedPeer(sample, isSeed: true)
            script.connect(capabilities, hash: hash)
            #expect(script.heard().handshake?.hash == answer)
        }
    }

    @Test("A free slot is given at once, and requests of 512 bytes are served")
    func smallRequests() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: true)
        script.connect()
        script.say(.interested)
        #expect(script.heard().messages.contains(.unchoke))
        let blocks = [
            BlockRange(piece: 0, offset: 512, length: 512), BlockRange(piece: 6, offset: 100, length: 1),
            BlockRange(piece: 3, offset: 0, length: 32_768),
        ]
        for block in blocks { script.say(.request(block)) }
        #expect(script.heard().blocks == blocks)
    }

    @Test("Requests while choked, past the end or for missing pieces are refused; absurd ones end the connection")
    func badRequests() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: true)
        script.connect()
        let block = BlockRange(piece: 0, offset: 0, length: 16_384)
        script.say(.request(block))
        #expect(script.heard().messages.contains(.reject(block)))
        script.say(.interested)
        for bad in [
            BlockRange(piece: 7, offset: 0, length: 1), BlockRange(piece: .max, offset: .max, length: 1),
            BlockRange(piece: 0, offset: 32_768, length: 1), BlockRange(piece: 6, offset: 3000, length: 16_384),
        ] {
            script.say(.request(bad))
            let (_, messages, blocks) = script.heard()
            #expect(messages.contains(.reject(bad)))
            #expect(blocks.isEmpty)
        }
        script.say(.request(BlockRange(piece: 0, offset: 0, length: 131_073)))
        #expect(script.peer.closings == [.outOfBounds])
        #expect(script.peer.reads == 0)
    }

    @Test("A piece that is not verified is never served, though its blocks are there")
    func unverified() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: false)
        script.connect()
        script.say(.haveAll, .unchoke, .interested)
        let first = try #require(script.requests().first)
        script.say(raw: script.piece(first))
        script.say(.request(first))
        let (_, messages, blocks) = script.heard()
        #expect(messages.contains(.reject(first)))
        #expect(blocks.isEmpty)
        #expect(script.peer.reads == 0, "the disk is not even asked")
    }

    @Test("A block that was not asked for ends the connection")
    func unrequested() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: false)
        script.connect()
        script.say(.haveAll)
        script.say(raw: script.piece(BlockRange(piece: 0, offset: 0, length: 16_384)))
        #expect(script.peer.closings == [.unrequestedBlock])
        #expect(script.peer.disk.isEmpty)
    }

    @Test("A block of another length or offset than asked for ends the connection")
    func wrongShape() throws {
        for change in [(1, 0), (0, -1), (0, 1)] {
            let script = ScriptedPeer(try Self.sample(), isSeed: false)
            script.connect()
            script.say(.haveAll, .unchoke)
            var block = try #require(script.requests().first { $0.offset == 0 && $0.length == 16_384 })
            block.offset += UInt32(change.0)
            block.length = UInt32(Int(block.length) + change.1)
            script.say(raw: script.piece(block))
            #expect(script.peer.closings == [.unrequestedBlock])
        }
    }

    @Test("Bad data from one peer alone bans it; its address is refused from then on")
    func badData() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: false)
        script.connect()
        script.say(.haveAll, .unchoke)
        let requests = script.requests()
        let piece = try #require(requests.first?.piece)
        for block in requests where block.piece == piece { script.say(raw: script.piece(block, corrupted: true)) }
        #expect(script.peer.events.contains(.banned(ScriptedPeer.address)))
        #expect(script.peer.closings == [.badData])
        script.connect()
        #expect(script.connection == nil)
    }

    @Test("Who sends bad data and hangs up before it has been hashed is banned all the same")
    func badDataAndGone() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: false)
        script.connect()
        script.say(.haveAll, .unchoke)
        let requests = script.requests()
        let connection = try #require(script.connection)
        let piece = try #require(requests.first?.piece)
        for block in requests where block.piece == piece {
            script.peer.receive(script.piece(block, corrupted: true), on: connection)
        }
        script.peer.update { $0.closed(connection, now: $1) }
        script.peer.work()
        #expect(script.peer.events.contains(.banned(ScriptedPeer.address)))
        script.connect()
        #expect(script.connection == nil)
    }

    @Test("BEP 3: without the fast extension a choke takes all requests back")
    func choke() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: false)
        script.connect([])
        script.say(.bitfield([0xFE]), .unchoke)
        let first = Set(script.requests())
        script.say(.choke)
        script.say(.unchoke)
        #expect(Set(script.requests()) == first)
    }

    @Test("BEP 6: a refused request is asked of the peer no more while others are, and asked again later")
    func reject() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: false)
        script.connect()
        script.say(.bitfield([0xFE]), .unchoke)
        let block = try #require(script.requests().first)
        script.say(.reject(block))
        #expect(script.peer.closings.isEmpty)
        script.say(.reject(block))
        #expect(script.peer.closings.isEmpty, "a refusal of nothing is ignored")
    }

    @Test("A peer may say anew what it has, as aria2 does when it got several pieces at once")
    func laterBitfield() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: false)
        script.connect()
        script.say(.haveNone, .unchoke, .bitfield([0x80]), .bitfield([0xFE]))
        #expect(script.peer.closings.isEmpty)
        #expect(!script.requests().isEmpty)
    }

    @Test("BEP 3: a bitfield of the wrong size, with spare bits, or a have past the end is refused")
    func bitfields() throws {
        for message in [PeerMessage.bitfield([]), .bitfield([0xFE, 0]), .bitfield([0xFF]), .have(7), .have(.max)] {
            let script = ScriptedPeer(try Self.sample(), isSeed: false)
            script.connect()
            script.say(message)
            #expect(script.peer.closings.count == 1, "\(message)")
        }
    }

    @Test("Ourselves, another torrent and a second connection are refused")
    func identity() throws {
        let sample = try Self.sample()
        let script = ScriptedPeer(sample, isSeed: true)
        let own = Digest160(Array("-RO0100-".utf8) + Array(repeating: 1, count: 12)) ?? .zero
        let hash = try #require(sample.metainfo.infoHashes.v1)
        let handshake = Handshake(capabilities: [.fast], hash: hash, peerID: own)
        _ = script.peer.accept(handshake.encoded, from: ScriptedPeer.address)
        #expect(script.peer.closings == [.ownPeerID])
        let other = Handshake(capabilities: [], hash: .zero, peerID: own)
        #expect(script.peer.accept(other.encoded, from: ScriptedPeer.address) == nil)
        script.connect()
        script.connect()
        #expect(script.peer.closings == [.ownPeerID, .duplicate])
    }

    @Test("BEP 52: hash requests are answered, and refused where they make no sense")
    func hashes() throws {
        let sample = try Self.sample(.v2)
        let script = ScriptedPeer(sample, isSeed: true)
        script.connect([.fast, .v2])
        _ = script.heard()
        let root = try #require(sample.metainfo.files.first?.piecesRoot)
        var tree = try #require(MerkleTree(root: root, length: 200_000, pieceLength: 32_768))
        let request = try #require(tree.request(forPiece: 0))
        script.say(.hashRequest(request))
        guard case .hashes(request, let hashes)? = script.heard().messages.first else {
            Issue.record("no hashes")
            return
        }
        #expect(tree.accept(hashes, for: request) == .pieces(0..<7))
        var bad = request
        bad.index = 1
        script.say(.hashRequest(bad))
        #expect(script.heard().messages == [.hashReject(bad)])
        bad = request
        bad.piecesRoot = .zero
        script.say(.hashRequest(bad))
        #expect(script.heard().messages == [.hashReject(bad)])
    }

    @Test("BEP 52: leaf hashes of a verified piece are computed from what is on disk")
    func leafHashes() throws {
        let sample = try Self.sample(.v2)
        let script = ScriptedPeer(sample, isSeed: true)
        script.connect([.fast, .v2])
        _ = script.heard()
        let root = try #require(sample.metainfo.files.first?.piecesRoot)
        var tree = try #require(sample.metainfo.tree(file: 0))
        let request = try #require(tree.leafRequest(forPiece: 2))
        #expect(request.piecesRoot == root)
        script.say(.hashRequest(request))
        guard case .hashes(request, let hashes)? = script.heard().messages.first else {
            Issue.record("no hashes")
            return
        }
        let piece = sample.piece(2)
        guard case .leaves(4, let leaves) = tree.accept(hashes, for: request) else {
            Issue.record("no leaves")
            return
        }
        #expect(leaves.count == 2)
        #expect(Merkle.root(of: piece, height: 1) == Merkle.root(of: leaves, layer: 0))
    }
}
