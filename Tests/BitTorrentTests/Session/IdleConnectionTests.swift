// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import TestSupport
import Testing
import Wire

@Suite("Connections over which nobody wants anything")
struct IdleConnectionTests {
    static func reader(_ number: UInt32, _ sample: SampleContent) -> SimulatedPeer {
        SimulatedPeer(number, sample, isSeed: false) { $0.wantsEverything = false }
    }

    @Test(
        "Who has got all that there is needs nobody who has, however it was asked for",
        arguments: TorrentKind.allCases
    )
    func everything(kind: TorrentKind) throws {
        let sample = try SampleContent(kind, sizes: TorrentSessionTests.sizes)
        let holder = SimulatedPeer(1, sample, isSeed: true) { $0.wantsEverything = false }
        let reader = Self.reader(2, sample)
        let network = SimulatedNetwork([holder, reader])
        reader.update { $0.add(peers: [holder.address], now: $1) }
        reader.update { $0.want(0..<sample.pieceCount, now: $1) }
        #expect(network.run { reader.events.contains(.complete) })
        #expect(network.run(50) { holder.session.status.peers == 0 && reader.session.status.peers == 0 })
        #expect((holder.closings + reader.closings).allSatisfy { $0 == .bothComplete })
        let dials = reader.routes.count
        #expect(!network.run(300, step: .seconds(1)) { reader.routes.count > dials }, "nor is it dialled again")
    }

    @Test("Who has got a part is let go after two minutes, and dialled again when another part is wanted")
    func part() throws {
        let sample = try SampleContent(.v2, sizes: TorrentSessionTests.sizes)
        let (holder, other) = (SimulatedPeer(1, sample, isSeed: true), SimulatedPeer(3, sample, isSeed: true))
        let reader = Self.reader(2, sample)
        let network = SimulatedNetwork([holder, other, reader])
        reader.update { $0.add(peers: [holder.address], now: $1) }
        reader.update { $0.add(peers: [other.address], source: .user, now: $1) }
        reader.update { $0.want(0..<2, now: $1) }
        #expect(network.run { reader.events.contains(.complete) })
        #expect(!network.run(100, step: .seconds(1)) { reader.session.status.peers < 2 }, "the next page may come soon")
        #expect(network.run(30, step: .seconds(1)) { holder.session.status.peers + reader.session.status.peers == 0 })
        let dials = reader.routes.count
        #expect(!network.run(300, step: .seconds(1)) { reader.routes.count > dials })
        reader.update { $0.want(2..<4, now: $1) }
        #expect(network.run { reader.session.status.havePieces == 4 })
        #expect(reader.routes.count > dials)
    }

    @Test("Who waits for something is not let go, whatever the time")
    func waiting() throws {
        let sample = try SampleContent(.v2, sizes: TorrentSessionTests.sizes)
        let holder = SimulatedPeer(1, sample, isSeed: true) { $0.uploadSlots = 0 }
        let reader = SimulatedPeer(2, sample, isSeed: false)
        let network = SimulatedNetwork([holder, reader])
        reader.update { $0.add(peers: [holder.address], now: $1) }
        #expect(network.run { holder.session.status.peers == 1 })
        #expect(!network.run(600, step: .seconds(1)) { holder.session.status.peers == 0 })
    }
}
