// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable import BitTorrent

@Suite("Pieces that one peer alone must fill")
struct SingleSourceTests {
    private func peer(_ number: UInt32) -> PeerConnection {
        let peer = PeerConnection(
            id: ConnectionID(number),
            endpoint: Endpoint(.v4(0x0A00_0000 + number), port: 6881),
            isOutgoing: true,
            source: .user,
            maximumRequests: 16,
            bitfieldBytes: 1,
            extensionNames: [],
            now: .zero
        )
        peer.hasAll = true
        peer.isChokingUs = false
        return peer
    }

    private func ask(_ picker: inout PiecePicker, _ peer: PeerConnection, _ content: TorrentContent) -> Int? {
        peer.hasNothingNew = false
        peer.currentPiece = nil
        var connections = ConnectionTable()
        for number in [1, 2] as [UInt32] { connections[ConnectionID(number)] = self.peer(number) }
        let situation = PickSituation(budget: 1 << 20, now: .zero, content: content, connections: connections)
        return picker.next(for: peer, in: situation)?.piece
    }

    /// Simulator: swarm-faults, seed 14. A silent peer took a piece that had failed once again and again, for ever.
    @Test("Who let such a piece lie leaves it to another, and gets it again only where nobody else took it")
    func silentPeer() throws {
        let map = try #require(PieceMap(lengths: [(32_768, false)], pieceLength: 32_768, alignment: .contiguous))
        let content = try #require(TorrentContent(map: map, v1: [UInt8](repeating: 0, count: 20), files: []))
        var picker = PiecePicker(pieceCount: 1)
        let (silent, honest) = (peer(1), peer(2))
        picker.requireSingleSource(0)
        picker.want(0)
        #expect(ask(&picker, silent, content) == 0)
        #expect(ask(&picker, honest, content) == nil)
        var isGivenUp = picker.abandon(0)
        #expect(isGivenUp)
        #expect(ask(&picker, silent, content) == nil)
        #expect(ask(&picker, honest, content) == 0)
        isGivenUp = picker.abandon(0)
        #expect(isGivenUp)
        #expect(ask(&picker, honest, content) == nil)
        for _ in 0..<2 { picker.forgetAvoided() }
        #expect(ask(&picker, honest, content) == 0)
    }

    /// Simulator: swarm-faults, seed 107118. A silent and a slow peer were given such a piece by turns, for ever.
    @Test("Two who let such a piece lie leave it to a third, however often what was let lie is looked over")
    func twoSilentPeers() throws {
        let map = try #require(PieceMap(lengths: [(32_768, false)], pieceLength: 32_768, alignment: .contiguous))
        let content = try #require(TorrentContent(map: map, v1: [UInt8](repeating: 0, count: 20), files: []))
        var picker = PiecePicker(pieceCount: 1)
        let (silent, slow, honest) = (peer(1), peer(2), peer(3))
        picker.requireSingleSource(0)
        picker.want(0)
        for lazy in [silent, slow] {
            #expect(ask(&picker, lazy, content) == 0)
            let isGivenUp = picker.abandon(0)
            #expect(isGivenUp)
            picker.forgetAvoided()
        }
        #expect(ask(&picker, silent, content) == nil)
        #expect(ask(&picker, slow, content) == nil)
        #expect(ask(&picker, honest, content) == 0)
    }
}
