// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Foundation
import NIOCore
import Testing
import Wire

@testable import Swarm

@Suite("Obfuscated connections between two swarms on loopback")
struct ObfuscationTests {
    /// Downloads `sample` from a swarm of one policy to a swarm of another.
    private static func transfer(
        from seeding: EncryptionPolicy,
        to leeching: EncryptionPolicy,
        _ check: (Torrent) async throws -> Void
    ) async throws {
        let sample = try SampleTorrent(kind: .hybrid, sizes: [700_000, 5])
        try sample.write()
        let target = try SampleTorrent.scratch()
        defer { for url in [sample.folder, target] { try? FileManager.default.removeItem(at: url) } }
        let (seeder, leecher) = (
            SwarmTests.makeSwarm(encryption: seeding), SwarmTests.makeSwarm(encryption: leeching)
        )
        let address = try await seeder.listen(on: SwarmTests.loopback)
        let count = sample.metainfo.pieceMap.pieceCount
        _ = try await seeder.add(
            sample.metainfo,
            storage: try DirectoryStorage(sample.metainfo, at: sample.folder.path),
            have: Bitfield(allSet: count)
        )
        let storage = try DirectoryStorage(sample.metainfo, at: target.path)
        let torrent = try await leecher.add(sample.metainfo, storage: storage, have: Bitfield(count: count))
        torrent.add(peers: [address], source: .user)
        try await check(torrent)
        await leecher.shutdown()
        await seeder.shutdown()
    }

    @Test(
        "Every two policies that have a kind of connection in common exchange a torrent",
        arguments: [
            (EncryptionPolicy.require, EncryptionPolicy.require), (.require, .offer), (.offer, .require),
            (.offer, .offer), (.off, .offer), (.offer, .off),
        ]
    )
    func common(_ policies: (EncryptionPolicy, EncryptionPolicy)) async throws {
        try await Self.transfer(from: policies.0, to: policies.1) { try await SwarmTests.complete($0) }
    }

    @Test("How a peer took an obfuscated handshake is remembered, for as many peers as there is room for")
    func habits() {
        let shared = Obfuscation(policy: .offer)
        let endpoint = Endpoint(.v4(1), port: 1)
        #expect(shared.beginning(with: endpoint, isPreferred: false) == .plainFirst)
        #expect(shared.beginning(with: endpoint, isPreferred: true) == .obfuscated)
        shared.remember(endpoint, takesObfuscated: false)
        #expect(shared.beginning(with: endpoint, isPreferred: true) == .plain)
        shared.remember(endpoint, takesObfuscated: true)
        #expect(shared.beginning(with: endpoint, isPreferred: false) == .obfuscated)
        shared.forget(endpoint)
        #expect(shared.beginning(with: endpoint, isPreferred: false) == .plainFirst)
        shared.remember(endpoint, takesObfuscated: true)
        for port in 1...Obfuscation.capacity {
            shared.remember(Endpoint(.v4(2), port: UInt16(port)), takesObfuscated: true)
        }
        #expect(shared.beginning(with: endpoint, isPreferred: false) == .plainFirst)
        #expect(Obfuscation(policy: .require).beginning(with: endpoint, isPreferred: false) == .obfuscated)
        #expect(Obfuscation(policy: .off).beginning(with: endpoint, isPreferred: true) == .plain)
    }
}
