// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Testing
import Wire

@Suite("Some of a torrent's files")
struct SelectionTests {
    @Test("BEP 21: trackers are told what is missing of the torrent, also while nothing of it is wanted")
    func left() throws {
        let sample = try SampleContent(.v1, sizes: [200_000], pieceLength: 32_768)
        func left(isSeed: Bool, holding pieces: Set<Int> = []) -> Int64 {
            let peer = SimulatedPeer(1, sample, isSeed: isSeed, holding: pieces) { $0.wantsEverything = false }
            return peer.session.announce(of: .zero, key: 1).left
        }
        #expect(left(isSeed: false) == 200_000)
        #expect(left(isSeed: false, holding: [0, 1]) == 5 * 32_768)
        #expect(left(isSeed: true) == 0)
    }

    @Test("BEP 53: only the pieces of the files named are fetched, by magnet too; then the peer is a partial seed")
    func selected() throws {
        let sample = try SampleContent(.v1, sizes: [100_000, 100_000, 100_000, 100_000], pieceLength: 32_768)
        for hasMetadata in [true, false] {
            let seed = SimulatedPeer(1, sample, isSeed: true)
            let leecher = SimulatedPeer(2, sample, isSeed: false, hasMetadata: hasMetadata) {
                $0.selectedFiles = [0...0, 2...2, 9...Int.max]
            }
            let network = SimulatedNetwork([seed, leecher])
            leecher.update { $0.add(peers: [seed.address], now: $1) }
            #expect(network.run { leecher.events.contains(.complete) })
            #expect(Set(leecher.disk.keys) == Set(0...3).union(6...9))
        }
    }

    @Test("A magnet whose files are all there already is complete as soon as its metadata is")
    func allThere() throws {
        let sample = try SampleContent(.v1, sizes: [100_000], pieceLength: 32_768)
        let seed = SimulatedPeer(1, sample, isSeed: true)
        let leecher = SimulatedPeer(2, sample, isSeed: false, hasMetadata: false)
        leecher.found = Bitfield(allSet: sample.pieceCount)
        let network = SimulatedNetwork([seed, leecher])
        leecher.update { $0.add(peers: [seed.address], now: $1) }
        #expect(network.run { leecher.events.contains(.complete) })
        #expect(leecher.disk.isEmpty)
    }
}
