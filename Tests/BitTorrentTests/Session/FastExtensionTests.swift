// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable import BitTorrent

@Suite("The fast extension, suggestions and pieces taken back")
struct FastExtensionTests {
    static func sample() throws -> SampleContent { try SampleContent(.v1, sizes: [1_000_000], pieceLength: 32_768) }

    @Test("BEP 6: a choked newcomer is told its set, and gets each byte of it once and nothing else")
    func allowedFastGiven() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: true) { $0.uploadSlots = 2 }
        // Others take the slots.
        for number in 2...3 { script.take(slot: UInt32(number)) }
        script.connect()
        script.say(.haveNone, .interested)
        let messages = script.heard().messages
        let allowed = messages.compactMap { message in
            if case .allowedFast(let piece) = message { return Int(piece) }
            return nil
        }
        let expected = AllowedFastSet.pieces(
            for: ScriptedPeer.address.address,
            infoHash: try #require(script.sample.metainfo.infoHashes.v1),
            pieceCount: script.sample.pieceCount
        )
        #expect(allowed == expected)
        #expect(!messages.contains(.unchoke))
        let granted = BlockRange(piece: UInt32(allowed[0]), offset: 0, length: 16_384)
        let rest = BlockRange(piece: UInt32(allowed[0]), offset: 16_384, length: 16_384)
        let other = try #require((0..<script.sample.pieceCount).first { !allowed.contains($0) })
        let refused = BlockRange(piece: UInt32(other), offset: 0, length: 16_384)
        script.say(.request(granted), .request(rest), .request(refused), .request(granted))
        let (_, answers, blocks) = script.heard()
        #expect(blocks == [granted, rest])
        #expect(answers == [.reject(refused), .reject(granted)])
    }

    @Test("BEP 6: pieces allowed fast are asked for while choked, but only of a peer that has them")
    func allowedFastTaken() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: false)
        script.connect()
        script.say(.bitfield([0x80, 0, 0, 0]), .allowedFast(0), .allowedFast(5), .allowedFast(9999))
        let requests = script.requests()
        #expect(!requests.isEmpty)
        #expect(requests.allSatisfy { $0.piece == 0 })
    }

    @Test("BEP 6: without the extension its messages end the connection")
    func notAgreed() throws {
        for message in [
            PeerMessage.haveAll, .haveNone, .suggest(1), .allowedFast(1),
            .reject(BlockRange(piece: 0, offset: 0, length: 1)),
        ] {
            let script = ScriptedPeer(try Self.sample(), isSeed: false)
            script.connect([.extensions])
            script.say(message)
            #expect(script.peer.closings == [.protocolViolation])
        }
    }

    @Test("BEP 6: what a peer has is said once")
    func declaredTwice() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: false)
        script.connect()
        script.say(.haveNone)
        #expect(script.peer.closings.isEmpty)
        script.say(.haveAll)
        #expect(script.peer.closings == [.protocolViolation])
    }

    @Test("BEP 6: a piece that the peer suggests is begun first")
    func suggestion() throws {
        for piece in [3, 17, 29] as [UInt32] {
            let script = ScriptedPeer(try Self.sample(), isSeed: false)
            script.connect()
            script.say(.haveAll, .suggest(piece), .suggest(.max), .unchoke)
            #expect(script.requests().first?.piece == piece)
        }
    }

    @Test("BEP 54: a piece taken back is asked for no more, of a seed too, and can be announced again")
    func doNotHave() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: false)
        script.connect()
        let payload = DoNotHave.encode(4)
        script.say(.haveAll, .extended(id: 3, payload: payload))
        script.say(.unchoke)
        #expect(!script.requests().contains { $0.piece == 4 })
        #expect(script.peer.session.connections.values.first?.pieces?.setCount == script.sample.pieceCount - 1)
        script.say(.have(4))
        #expect(script.peer.session.connections.values.first?.hasAll == true)
    }

    @Test("BEP 54: pieces taken back and announced without end are a flood")
    func doNotHaveFlood() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: false)
        script.connect()
        script.say(.haveAll)
        for _ in 0..<200 where script.peer.closings.isEmpty {
            script.say(.extended(id: 3, payload: DoNotHave.encode(4)), .have(4))
        }
        #expect(script.peer.closings == [.flooding])
    }

    @Test("BEP 54: a piece that can no longer be read is taken back, and its requests refused")
    func lost() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: true)
        script.connect()
        var handshake = ExtensionHandshake()
        handshake.extensions = [ExtensionTable.Name.doNotHave: 77]
        script.say(.extended(id: 0, payload: handshake.encoded), .haveNone, .interested)
        _ = script.heard()
        script.peer.update { $0.lost(2..<4, now: $1) }
        let block = BlockRange(piece: 3, offset: 0, length: 16_384)
        script.say(.request(block))
        let messages = script.heard().messages
        #expect(messages.contains(.extended(id: 77, payload: [0, 0, 0, 2])))
        #expect(messages.contains(.extended(id: 77, payload: [0, 0, 0, 3])))
        #expect(messages.contains(.reject(block)))
        #expect(script.peer.closings.isEmpty)
    }

    @Test(
        "BEP 21: a sparse session between two readers does not call itself upload-only; a selection that is there does"
    )
    func uploadOnly() throws {
        func said(_ messages: [PeerMessage]) -> Bool? {
            for case .extended(id: 0, let payload) in messages {
                return (try? ExtensionHandshake(parsing: payload))?.isUploadOnly
            }
            return nil
        }
        let sparse = ScriptedPeer(try Self.sample(), isSeed: false) { $0.wantsEverything = false }
        sparse.connect()
        #expect(said(sparse.heard().messages) == nil)
        let partial = ScriptedPeer(try Self.sample(), isSeed: false) {
            $0.wantsEverything = false
            $0.wantsSelection = true
        }
        partial.connect()
        #expect(said(partial.heard().messages) == true)
        var handshake = ExtensionHandshake()
        handshake.extensions = [ExtensionTable.Name.uploadOnly: 9]
        partial.say(.extended(id: 0, payload: handshake.encoded), .haveAll)
        partial.peer.update { $0.want(0..<2, now: $1) }
        #expect(partial.heard().messages.contains(.extended(id: 9, payload: [0])), "it wants something after all")
    }
}
