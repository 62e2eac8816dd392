// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing
import Wire

@testable import BitTorrent

@Suite("Web seeds of a session")
struct WebSeedSessionTests {
    /// Answers what the session asks of its web seeds, in portions; `spoil` may change the bytes.
    private static func serve(
        _ peer: SimulatedPeer,
        _ sample: SampleContent,
        portion: Int,
        spoil: (Int, [UInt8]) -> [UInt8] = { $1 }
    ) {
        let fetches = peer.fetches
        peer.fetches = []
        for (id, pieces) in fetches {
            for piece in Int(pieces.lowerBound.raw)..<Int(pieces.upperBound.raw) {
                let length = sample.metainfo.pieceMap.dataLength(of: PieceIndex(Int32(piece)))
                var bytes = spoil(piece, Array(sample.piece(piece).prefix(length)))[...]
                while !bytes.isEmpty {
                    peer.receive(Array(bytes.prefix(portion)), fromWebSeed: id)
                    bytes = bytes.dropFirst(portion)
                }
            }
        }
    }

    private static func addWebSeed(_ peer: SimulatedPeer) throws -> ConnectionID {
        let id = try #require(peer.addWebSeed())
        peer.update { $0.setWebSeed(id, isReady: true, now: $1) }
        return id
    }

    @Test(
        "A web seed alone serves a whole torrent in runs of pieces",
        arguments: TorrentKind.allCases,
        [1000, 16_384, 100_000]
    )
    func alone(kind: TorrentKind, portion: Int) throws {
        let sample = try SampleContent(kind, sizes: TorrentSessionTests.sizes)
        let leecher = SimulatedPeer(2, sample, isSeed: false)
        let network = SimulatedNetwork([leecher])
        _ = try Self.addWebSeed(leecher)
        #expect(
            network.run(200) {
                Self.serve(leecher, sample, portion: portion)
                return leecher.events.contains(.complete)
            }
        )
        #expect(TorrentSessionTests.isComplete(leecher, sample))
        let downloaded = leecher.session.status.downloaded
        #expect(downloaded == TorrentSessionTests.sizes.reduce(0) { $0 + Int64($1) }, "each byte once, no padding")
    }

    @Test("A web seed and a peer share the work")
    func together() throws {
        let sample = try SampleContent(.hybrid, sizes: [1_000_000])
        let seeder = SimulatedPeer(1, sample, isSeed: true)
        let leecher = SimulatedPeer(2, sample, isSeed: false)
        let network = SimulatedNetwork([seeder, leecher])
        network.lines[seeder.address] = 20_000
        leecher.update { $0.add(peers: [seeder.address], now: $1) }
        _ = try Self.addWebSeed(leecher)
        #expect(
            network.run {
                Self.serve(leecher, sample, portion: 16_384)
                return leecher.events.contains(.complete)
            }
        )
        #expect(TorrentSessionTests.isComplete(leecher, sample))
    }

    @Test("One that sends bad data is dropped after the piece that shows it, and nothing of it is kept")
    func badData() throws {
        let sample = try SampleContent(.v1, sizes: [1_000_000])
        let seeder = SimulatedPeer(1, sample, isSeed: true)
        let leecher = SimulatedPeer(2, sample, isSeed: false)
        let network = SimulatedNetwork([seeder, leecher])
        _ = try Self.addWebSeed(leecher)
        for _ in 0..<50 {
            Self.serve(leecher, sample, portion: 5000) { piece, bytes in piece == 3 ? bytes.map { ~$0 } : bytes }
            leecher.work()
        }
        #expect(leecher.closings.contains(.badData))
        #expect(leecher.disk[3] == nil)
        leecher.update { $0.add(peers: [seeder.address], now: $1) }
        #expect(network.run { leecher.events.contains(.complete) })
        #expect(TorrentSessionTests.isComplete(leecher, sample))
    }

    @Test("What a web seed fails to send, or does not have, peers are asked for; later it is asked again")
    func failure() throws {
        let sample = try SampleContent(.v1, sizes: [500_000])
        let leecher = SimulatedPeer(2, sample, isSeed: false)
        let id = try Self.addWebSeed(leecher)
        let first = try #require(leecher.fetches.first)
        leecher.receive(Array(sample.piece(0).prefix(20_000)), fromWebSeed: id)
        leecher.fetches = []
        leecher.update { $0.setWebSeed(id, isReady: false, now: $1) }
        leecher.update { $0.webSeedFailed(id, lacks: PieceIndex(1)..<PieceIndex(3), now: $1) }
        #expect(leecher.fetches.isEmpty)
        leecher.update { $0.setWebSeed(id, isReady: true, now: $1) }
        #expect(
            leecher.fetches.allSatisfy { !($0.pieces.contains(PieceIndex(1)) || $0.pieces.contains(PieceIndex(2))) }
        )
        #expect(!leecher.fetches.isEmpty && first.pieces.contains(PieceIndex(0)))
        let seeder = SimulatedPeer(1, sample, isSeed: true)
        let network = SimulatedNetwork([seeder, leecher])
        leecher.update { $0.add(peers: [seeder.address], now: $1) }
        #expect(
            network.run {
                Self.serve(leecher, sample, portion: 16_384)
                return leecher.events.contains(.complete)
            }
        )
        #expect(TorrentSessionTests.isComplete(leecher, sample))
    }

    @Test("A web seed that dribbles holds nothing up: after five seconds peers are asked for the same")
    func dribbling() throws {
        let sample = try SampleContent(.v1, sizes: [300_000])
        let seeder = SimulatedPeer(1, sample, isSeed: true)
        let leecher = SimulatedPeer(2, sample, isSeed: false)
        let network = SimulatedNetwork([seeder, leecher])
        let id = try Self.addWebSeed(leecher)
        leecher.update { $0.add(peers: [seeder.address], now: $1) }
        var next = 0
        #expect(
            network.run(3000, step: .milliseconds(20)) {
                if next < sample.piece(0).count {
                    leecher.receive([sample.piece(0)[next]], fromWebSeed: id)
                    next += 1
                }
                return leecher.events.contains(.complete)
            }
        )
        #expect(TorrentSessionTests.isComplete(leecher, sample))
    }

    @Test("No more web seeds than the bound; what was not asked for counts as nothing")
    func bounds() throws {
        let sample = try SampleContent(.v1, sizes: [100_000])
        let leecher = SimulatedPeer(2, sample, isSeed: false)
        let idle = try #require(leecher.addWebSeed())
        leecher.receive([UInt8](repeating: 1, count: 70_000), fromWebSeed: idle)
        let downloaded = leecher.session.status.downloaded
        #expect(downloaded == 0)
        var count = 1
        while leecher.addWebSeed() != nil { count += 1 }
        #expect(count == TorrentSession.maximumWebSeeds)
    }
}
