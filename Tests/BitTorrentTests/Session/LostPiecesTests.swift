// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing
import Wire

@testable import BitTorrent

@Suite("Pieces that were there and are not any more")
struct LostPiecesTests {
    @Test(
        "A session that is told of them offers them no longer and downloads them again",
        arguments: TorrentKind.allCases
    )
    func told(kind: TorrentKind) throws {
        let sample = try SampleContent(kind, sizes: TorrentSessionTests.sizes)
        let (owner, other) = (SimulatedPeer(1, sample, isSeed: true), SimulatedPeer(2, sample, isSeed: true))
        let reader = SimulatedPeer(3, sample, isSeed: false)
        let network = SimulatedNetwork([owner, other, reader])
        #expect(owner.session.status.missingPieces == 0)
        for piece in [0, 1] { owner.damage(piece) }
        owner.update { $0.lost([0, 1, 1, 99_999, -1], now: $1) }
        #expect(owner.session.status.missingPieces == 2)
        reader.update { $0.add(peers: [owner.address], now: $1) }
        #expect(network.run { reader.session.status.missingPieces == 2 })
        #expect(owner.disk[0] == nil && owner.reads > 0)
        owner.update { $0.add(peers: [other.address], now: $1) }
        #expect(network.run { owner.session.isComplete && reader.session.isComplete })
        #expect(TorrentSessionTests.isComplete(owner, sample) && TorrentSessionTests.isComplete(reader, sample))
        #expect(!owner.events.contains { if case .pieceUnreadable = $0 { true } else { false } })
    }

    @Test("A read that fails is said once, refused to who asked, and mended from others")
    func unreadable() throws {
        let sample = try SampleContent(.v2, sizes: TorrentSessionTests.sizes)
        let (owner, other) = (SimulatedPeer(1, sample, isSeed: true), SimulatedPeer(2, sample, isSeed: true))
        let reader = SimulatedPeer(3, sample, isSeed: false)
        let network = SimulatedNetwork([owner, other, reader])
        owner.damage(2)
        reader.update { $0.add(peers: [owner.address], now: $1) }
        #expect(network.run { reader.session.status.missingPieces == 1 && !owner.session.isComplete })
        #expect(owner.events.filter { $0 == .pieceUnreadable(PieceIndex(2)) }.count == 1)
        for peer in [owner, reader] { peer.update { $0.add(peers: [other.address], now: $1) } }
        let isMended = network.run { owner.session.isComplete && reader.session.isComplete }
        #expect(isMended)
        let isRight = TorrentSessionTests.isComplete(owner, sample)
        #expect(isRight)
    }

    @Test("A disk that takes a piece and never gives it back is a failure of storage, not a download without end")
    func neverReadable() throws {
        let sample = try SampleContent(.v2, sizes: TorrentSessionTests.sizes)
        // Pieces are longer than what it sends on from memory: each is read from the disk.
        let owner = SimulatedPeer(1, sample, isSeed: true) { $0.readCacheBytes = 60_000 }
        let other = SimulatedPeer(2, sample, isSeed: true)
        // A reader that was refused a piece does not come again for it: the next one does.
        let readers = (3..<8).map { SimulatedPeer($0, sample, isSeed: false) }
        let network = SimulatedNetwork([owner, other] + readers)
        owner.unreadable = 2
        for reader in readers {
            reader.update { $0.add(peers: [owner.address], now: $1) }
            let isRefused = network.run { reader.session.status.missingPieces == 1 }
            #expect(isRefused)
            owner.update { $0.add(peers: [other.address], now: $1) }
            _ = network.run { owner.session.isComplete }
        }
        #expect(owner.events.filter { $0 == .storageFailed(PieceIndex(2)) }.count == 1)
        #expect(owner.order.filter { $0 == 2 }.count == TorrentSession.rereadAttempts)
        let isComplete = owner.session.isComplete
        #expect(!isComplete)
    }

    @Test("Reads of one piece that fail at once are one loss: what a damaged file has comes again")
    func severalReads() throws {
        let sample = try SampleContent(.v2, sizes: [40 * 16_384], pieceLength: 16 * 16_384)
        let (owner, other) = (SimulatedPeer(1, sample, isSeed: true), SimulatedPeer(2, sample, isSeed: true))
        let reader = SimulatedPeer(3, sample, isSeed: false)
        let network = SimulatedNetwork([owner, other, reader])
        for piece in 0..<sample.pieceCount { owner.damage(piece) }
        // Both have all and part; the owner finds the way back once it lacks something.
        owner.update { $0.add(peers: [other.address], now: $1) }
        let isParted = network.run { owner.closings.contains(.bothComplete) }
        #expect(isParted)
        reader.update { $0.add(peers: [owner.address], now: $1) }
        let isLost = network.run { owner.session.status.missingPieces > 0 }
        #expect(isLost)
        let isMended = network.run { owner.session.isComplete && reader.session.isComplete }
        #expect(isMended)
        #expect(!owner.events.contains { if case .storageFailed = $0 { true } else { false } })
    }

    @Test("BEP 52: leaf hashes that do not lead to the root of their file are refused, and the file is named")
    func leaves() throws {
        let sample = try SampleContent(.v2, sizes: [16 * 16_384], pieceLength: 4 * 16_384)
        let owner = SimulatedPeer(1, sample, isSeed: true)
        owner.rot()
        let hash = try #require(sample.metainfo.infoHashes.v2?.truncated)
        let endpoint = Endpoint(.v4(0x0A00_0009), port: 1)
        let hello = Handshake(capabilities: [.v2, .fast], hash: hash, peerID: hash)
        let connection = try #require(owner.accept(hello.encoded, from: endpoint))
        let root = try #require(sample.metainfo.files[0].piecesRoot)
        let request = HashRequest(piecesRoot: root, baseLayer: 0, index: 0, length: 4, proofLayers: 2)
        owner.receive(PeerMessage.hashRequest(request).encoded, on: connection)
        owner.work()
        #expect(owner.events.contains(.pieceUnreadable(PieceIndex(0))))
    }
}
