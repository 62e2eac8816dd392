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

    private func ask(_ picker: inout PiecePicker, _ peer: PeerConnection) -> Int? {
        peer.hasNothingNew = false
        peer.currentPiece = nil
        return picker.next(
            for: peer,
            budget: 1 << 20,
            now: .zero,
            length: { _ in 32_768 },
            isActive: { _ in true }
        )?.piece
    }

    /// Simulator: swarm-faults, seed 14. A silent peer took a piece that had failed once again and again, for ever.
    @Test("Who let such a piece lie leaves it to another, and gets it again only where nobody else took it")
    func silentPeer() {
        var picker = PiecePicker(pieceCount: 1)
        let (silent, honest) = (peer(1), peer(2))
        picker.requireSingleSource(0)
        picker.want(0)
        #expect(ask(&picker, silent) == 0)
        #expect(ask(&picker, honest) == nil)
        var isGivenUp = picker.abandon(0)
        #expect(isGivenUp)
        #expect(ask(&picker, silent) == nil)
        #expect(ask(&picker, honest) == 0)
        isGivenUp = picker.abandon(0)
        #expect(isGivenUp)
        #expect(ask(&picker, honest) == nil)
        picker.forgetAvoided()
        #expect(ask(&picker, honest) == 0)
    }
}
