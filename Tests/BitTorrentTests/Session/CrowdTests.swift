// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import TestSupport
import Testing
import Wire

@Suite("Crowds")
struct CrowdTests {
    /// A seed with a line that takes about a second for one copy, and fetchers that all know each other.
    private static func crowd(
        _ count: UInt32
    ) throws -> (SimulatedNetwork, SimulatedPeer, [SimulatedPeer], SampleContent) {
        let sample = try SampleContent(.v1, sizes: [3_000_000], pieceLength: 16_384)
        let seed = SimulatedPeer(1, sample, isSeed: true)
        let fetchers = (2..<2 + count).map { SimulatedPeer($0, sample, isSeed: false) }
        let network = SimulatedNetwork([seed] + fetchers)
        network.lines[seed.address] = 3_000_000 / 100
        for (index, peer) in fetchers.enumerated() {
            peer.update { $0.add(peers: [seed.address] + fetchers[..<index].map(\.address), now: $1) }
        }
        return (network, seed, fetchers, sample)
    }

    @Test("S0-01: what a seed uploads does not grow with the number of those who fetch", arguments: [4, 14])
    func copies(count: UInt32) throws {
        let (network, seed, fetchers, sample) = try Self.crowd(count)
        #expect(network.run(4000, step: .milliseconds(10)) { fetchers.allSatisfy { $0.session.isComplete } })
        let copies = Double(network.sent[seed.address] ?? 0) / Double(sample.metainfo.totalLength)
        #expect(copies <= 2, "\(copies) copies for \(count) fetchers in \(network.now)")
    }

    @Test("S0-01: a crowd that has every piece among it goes on without its seed")
    func seedLeaves() throws {
        let (network, seed, fetchers, sample) = try Self.crowd(8)
        let isSpread = { (0..<sample.pieceCount).allSatisfy { piece in fetchers.contains { $0.disk[piece] != nil } } }
        #expect(network.run(4000, step: .milliseconds(10), until: isSpread))
        network.silent.insert(seed.address)
        #expect(network.run(9000, step: .milliseconds(10)) { fetchers.allSatisfy { $0.session.isComplete } })
    }

    @Test("Who is let down by a crowd asks the seed again")
    func deadCrowd() throws {
        let (network, seed, fetchers, sample) = try Self.crowd(8)
        let half = sample.pieceCount / 2
        #expect(network.run(4000, step: .milliseconds(10)) { fetchers[0].disk.count > half })
        for peer in fetchers.dropFirst() { network.silent.insert(peer.address) }
        #expect(network.run(6000, step: .milliseconds(10)) { fetchers[0].session.isComplete })
        #expect(seed.session.status.peers > 0)
    }
}
