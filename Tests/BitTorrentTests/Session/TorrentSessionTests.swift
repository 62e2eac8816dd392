// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import TestSupport
import Testing
import Wire

@Suite("Torrent sessions among simulated peers")
struct TorrentSessionTests {
    static let sizes = [150_000, 40_000, 5, 32_768, 0, 90_001]

    static func isComplete(_ peer: SimulatedPeer, _ sample: SampleContent) -> Bool {
        (0..<sample.pieceCount).allSatisfy { peer.disk[$0] == sample.piece($0) }
    }

    @Test("A leecher gets every piece from a seed", arguments: TorrentKind.allCases, [1, 2, 3])
    func download(kind: TorrentKind, seed: UInt64) throws {
        let sample = try SampleContent(kind, sizes: Self.sizes)
        let seeder = SimulatedPeer(1, sample, isSeed: true)
        let leecher = SimulatedPeer(2, sample, isSeed: false)
        let network = SimulatedNetwork([seeder, leecher], seed: seed)
        leecher.update { $0.add(peers: [seeder.address], now: $1) }
        #expect(network.run { leecher.events.contains(.complete) })
        #expect(Self.isComplete(leecher, sample))
        #expect(leecher.closings.allSatisfy { $0 == .bothComplete })
    }

    @Test("All that peers send is counted, not only payload")
    func counted() throws {
        let sample = try SampleContent(.v2, sizes: Self.sizes)
        let seeder = SimulatedPeer(1, sample, isSeed: true)
        let leecher = SimulatedPeer(2, sample, isSeed: false)
        let network = SimulatedNetwork([seeder, leecher])
        leecher.update { $0.add(peers: [seeder.address], now: $1) }
        #expect(network.run { leecher.events.contains(.complete) })
        let (gave, took) = (seeder.session.status, leecher.session.status)
        #expect(took.downloaded == Self.sizes.reduce(0) { $0 + Int64($1) })
        #expect(took.received >= took.downloaded + 68 + 13 * 22, "the handshake and the heads of 22 blocks")
        #expect(took.received < took.downloaded + 2000)
        #expect(gave.downloaded == 0 && gave.received >= 68 + 17 * 22)
    }

    @Test("BEP 9, 52: a magnet fetches metadata, then piece layers, then pieces", arguments: TorrentKind.allCases)
    func magnet(kind: TorrentKind) throws {
        let sample = try SampleContent(kind, sizes: Self.sizes + Array(repeating: 100, count: 600))
        #expect(sample.metainfo.infoDictionary.count > 16_384, "more than one portion")
        let seeder = SimulatedPeer(1, sample, isSeed: true)
        let leecher = SimulatedPeer(2, sample, isSeed: false, hasMetadata: false)
        let network = SimulatedNetwork([seeder, leecher])
        leecher.update { $0.add(peers: [seeder.address], now: $1) }
        #expect(network.run(20_000) { leecher.events.contains(.complete) })
        #expect(leecher.events.first == .metadata)
        #expect(Self.isComplete(leecher, sample))
    }

    @Test("S0-01: Eight peers pass pieces among themselves")
    func crowd() throws {
        let sample = try SampleContent(.hybrid, sizes: [1_000_000])
        let seeder = SimulatedPeer(1, sample, isSeed: true)
        let leechers = (2..<10).map { SimulatedPeer($0, sample, isSeed: false) }
        let network = SimulatedNetwork([seeder] + leechers)
        let everyone = [seeder.address] + leechers.map(\.address)
        for leecher in leechers { leecher.update { $0.add(peers: everyone, now: $1) } }
        #expect(network.run(5000) { leechers.allSatisfy { Self.isComplete($0, sample) } })
        #expect(leechers.contains { $0.blocksSent > 0 }, "leechers served, too")
    }

    @Test(
        "What has just come and others want is sent to them from memory; what nobody wants yet is read when somebody does"
    )
    func passedOn() throws {
        let sample = try SampleContent(.v1, sizes: [4_000_000])
        let seeder = SimulatedPeer(1, sample, isSeed: true)
        // The last knows the one in the middle alone.
        let middle = SimulatedPeer(2, sample, isSeed: false) { $0.exchangesPeers = false }
        let last = SimulatedPeer(3, sample, isSeed: false) { $0.exchangesPeers = false }
        let network = SimulatedNetwork([seeder, middle, last])
        last.update { $0.add(peers: [middle.address], now: $1) }
        #expect(network.run { !last.session.endpoints.isEmpty })
        middle.update { $0.add(peers: [seeder.address], now: $1) }
        #expect(network.run(5000) { Self.isComplete(last, sample) })
        #expect(middle.kept > sample.pieceCount / 2 && middle.reads < sample.pieceCount / 2)
    }

    @Test(
        "S2-01: A liar among honest peers is found and banned, and the download completes",
        arguments: [TorrentKind.v1, .v2]
    )
    func liar(kind: TorrentKind) throws {
        let sample = try SampleContent(kind, sizes: [1_500_000], pieceLength: 131_072)
        let honest = SimulatedPeer(1, sample, isSeed: true)
        let liar = SimulatedPeer(2, sample, isSeed: true)
        liar.corrupt = { _, bytes in bytes.map { $0 ^ 0x55 } }
        let leecher = SimulatedPeer(3, sample, isSeed: false)
        let network = SimulatedNetwork([honest, liar, leecher])
        network.portion = 20_000
        leecher.update { $0.add(peers: [liar.address, honest.address], now: $1) }
        #expect(network.run(20_000) { leecher.events.contains(.complete) })
        #expect(Self.isComplete(leecher, sample))
        #expect(leecher.events.contains(.banned(liar.address)))
        #expect(!leecher.events.contains(.banned(honest.address)))
    }

    @Test("Of two who filled a bad piece, only the one whose block was wrong is banned")
    func sharedPiece() throws {
        let sample = try SampleContent(.v1, sizes: [8 * 16_384], pieceLength: 8 * 16_384)
        let honest = SimulatedPeer(1, sample, isSeed: true)
        let liar = SimulatedPeer(2, sample, isSeed: true)
        liar.corrupt = { _, bytes in bytes.map { $0 &+ 1 } }
        // Few requests at once, so that both take part in the one piece.
        let leecher = SimulatedPeer(3, sample, isSeed: false) { $0.maximumRequests = 2 }
        let network = SimulatedNetwork([honest, liar, leecher])
        leecher.update { $0.add(peers: [honest.address, liar.address], now: $1) }
        #expect(network.run(20_000) { leecher.events.contains(.complete) })
        #expect(Self.isComplete(leecher, sample))
        #expect(leecher.events.contains(.banned(liar.address)))
        #expect(!leecher.events.contains(.banned(honest.address)))
    }

    @Test("With nobody but a liar nothing is ever stored")
    func onlyLiar() throws {
        let sample = try SampleContent(.v2, sizes: [300_000])
        let liar = SimulatedPeer(1, sample, isSeed: true)
        liar.corrupt = { _, bytes in bytes.reversed() }
        let leecher = SimulatedPeer(2, sample, isSeed: false)
        let network = SimulatedNetwork([liar, leecher])
        leecher.update { $0.add(peers: [liar.address], source: .user, now: $1) }
        #expect(!network.run(3000) { !leecher.disk.isEmpty })
        #expect(leecher.events.contains(.banned(liar.address)))
    }

    @Test("A peer that falls silent does not hold up the others")
    func silentPeer() throws {
        let sample = try SampleContent(.v1, sizes: [600_000])
        let first = SimulatedPeer(1, sample, isSeed: true)
        let second = SimulatedPeer(2, sample, isSeed: true)
        let leecher = SimulatedPeer(3, sample, isSeed: false) { $0.maximumRequests = 8 }
        let network = SimulatedNetwork([first, second, leecher])
        leecher.update { $0.add(peers: [first.address, second.address], now: $1) }
        #expect(network.run { leecher.disk.count >= 2 })
        network.silent = [first.address]
        #expect(network.run(10_000, step: .milliseconds(20)) { leecher.events.contains(.complete) })
    }

    @Test("A reader's pieces come first, and nothing else is fetched of a sparse torrent")
    func sparse() throws {
        let sample = try SampleContent(.v2, sizes: [400_000, 20_000, 300_000])
        let seeder = SimulatedPeer(1, sample, isSeed: true)
        let reader = SimulatedPeer(2, sparse: sample)
        let network = SimulatedNetwork([seeder, reader])
        reader.update { $0.add(peers: [seeder.address], now: $1) }
        _ = network.run(20) { false }
        #expect(reader.disk.isEmpty)
        let files = sample.content?.hashedFiles ?? []
        #expect(files.count == 3)
        reader.update { session, now in
            let (fits, actions) = session.add(files: files, now: now)
            #expect(fits)
            return actions
        }
        let small = files[1].firstPiece
        reader.update { $0.read(1, pieces: [small], now: $1) }
        #expect(network.run { reader.disk[small] == sample.piece(small) })
        #expect(reader.disk.count == 1)
        let large = files[2].firstPiece
        reader.update { $0.read(1, pieces: [large + 5, large], now: $1) }
        #expect(network.run { reader.disk.count == 3 })
        #expect(reader.order == [small, large + 5, large] || reader.order == [small, large, large + 5])
        #expect(Set(reader.disk.keys) == [small, large, large + 5])
    }

    @Test("Pieces above 128 MiB are refused: each is in memory until it is verified")
    func longPieces() throws {
        let longest = TorrentContent.maximumPieceLength
        func content(_ length: Int) throws -> TorrentContent? {
            let map = try #require(PieceMap(lengths: [(100, false)], pieceLength: length, alignment: .contiguous))
            return TorrentContent(map: map, v1: [UInt8](repeating: 0, count: 20), files: [])
        }
        #expect(try content(longest) != nil)
        #expect(try content(longest * 2) == nil)
        #expect(TorrentContent(sparsePieceLength: longest, pieceCount: 1) != nil)
        #expect(TorrentContent(sparsePieceLength: longest * 2, pieceCount: 1) == nil)
    }

    @Test("A sparse torrent refuses files that do not fit")
    func sparseBounds() {
        var content = TorrentContent(sparsePieceLength: 16_384, pieceCount: 10)
        let root = Digest256(Array(repeating: 1, count: 32)) ?? .zero
        func add(_ first: Int, _ length: Int64) -> Bool? {
            content?.add(.init(firstPiece: first, length: length, root: root))
        }
        #expect(add(2, 3 * 16_384) == true)
        #expect(add(2, 3 * 16_384) == true)
        #expect(add(2, 5) == false)
        #expect(add(4, 5) == false)
        #expect(add(1, 16_385) == false)
        #expect(add(5, 16_384) == true)
        #expect(add(9, 16_385) == false)
        #expect(add(-1, 1) == false)
        #expect(add(0, 0) == false)
        #expect(add(9, .max) == false)
    }
}
