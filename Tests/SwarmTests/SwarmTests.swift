// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Foundation
import Logging
import NIOCore
import NIOPosix
import Swarm
import Testing
import Wire

@Suite("Torrents between two swarms on loopback")
struct SwarmTests {
    static let loopback = Endpoint(.v4(0x7F00_0001), port: 0)

    static func makeSwarm(encryption: EncryptionPolicy = .offer) -> Swarm {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        var configuration = SwarmConfiguration(cores: 2)
        configuration.encryption = encryption
        // What is closed is closed for what it says, and who is slow on a busy machine is heard out.
        configuration.greetingPatience = .seconds(3600)
        return Swarm(loop: loop, configuration: configuration, logger: logger)
    }

    /// Waits for the last piece: for two minutes, which only a failure takes.
    static func complete(_ torrent: Torrent) async throws {
        for _ in 0..<24_000 {
            if let status = await torrent.status(), status.pieces != nil, status.missingPieces == 0 { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        Issue.record("not complete within two minutes: \(String(describing: await torrent.status()))")
    }

    @Test("A download by metadata is byte-identical", arguments: TorrentKind.allCases)
    func download(kind: TorrentKind) async throws {
        let sample = try SampleTorrent(kind: kind, sizes: [100_000, 5, 0, 32_768, 70_001, 16_384, 1])
        try sample.write()
        let target = try SampleTorrent.scratch()
        defer { for url in [sample.folder, target] { try? FileManager.default.removeItem(at: url) } }
        let seeder = Self.makeSwarm()
        let leecher = Self.makeSwarm()
        let address = try await seeder.listen(on: Self.loopback)
        let seed = try DirectoryStorage(sample.metainfo, at: sample.folder.path)
        _ = try await seeder.add(
            sample.metainfo,
            storage: seed,
            have: Bitfield(allSet: sample.metainfo.pieceMap.pieceCount)
        )
        let storage = try DirectoryStorage(sample.metainfo, at: target.path)
        let torrent = try await leecher.add(
            sample.metainfo,
            storage: storage,
            have: Bitfield(count: sample.metainfo.pieceMap.pieceCount)
        )
        torrent.add(peers: [address], source: .user)
        try await Self.complete(torrent)
        try storage.createEmptyFiles()
        #expect(sample.isIdentical(in: target))
        await leecher.shutdown()
        await seeder.shutdown()
    }

    @Test("A magnet fetches the metadata, then the files", arguments: TorrentKind.allCases)
    func magnet(kind: TorrentKind) async throws {
        let sample = try SampleTorrent(kind: kind, sizes: [300_000, 40_000, 12])
        try sample.write()
        let target = try SampleTorrent.scratch()
        defer { for url in [sample.folder, target] { try? FileManager.default.removeItem(at: url) } }
        let seeder = Self.makeSwarm()
        let leecher = Self.makeSwarm()
        let address = try await seeder.listen(on: Self.loopback)
        let seed = try DirectoryStorage(sample.metainfo, at: sample.folder.path)
        _ = try await seeder.add(
            sample.metainfo,
            storage: seed,
            have: Bitfield(allSet: sample.metainfo.pieceMap.pieceCount)
        )
        let path = target.path
        let torrent = try await leecher.add(
            magnet: sample.metainfo.infoHashes,
            prepare: { metainfo, content in
                (try DirectoryStorage(metainfo, at: path), Bitfield(count: content.pieceCount))
            }
        )
        torrent.add(peers: [address], source: .user)
        try await Self.complete(torrent)
        #expect(sample.isIdentical(in: target))
        await leecher.shutdown()
        await seeder.shutdown()
    }
}
