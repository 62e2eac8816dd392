// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Feeds
import Foundation
import Storage
import Swarm
import Testing
import Wire

@testable import Node

@Suite("Files that go while their torrents are open", .timeLimit(.minutes(5)))
struct LossTests {
    private struct World {
        let owner: SwarmNode
        let holder: SwarmNode
        let reader: SwarmNode
        let site: PublishedSite

        func end() async { for node in [owner, holder, reader] { await node.end() } }
    }

    /// The owner's session is open and full; another holds all that it holds.
    private func world() async throws -> World {
        let (owner, holder, reader) = (try await SwarmNode(), try await SwarmNode(), try await SwarmNode())
        let site = try owner.publish(FetchAllTests.files())
        await owner.service.serve(site.v2, hash: site.v2Hash)
        _ = try holder.publish(FetchAllTests.files())
        try await holder.serveAll()
        let world = World(owner: owner, holder: holder, reader: reader, site: site)
        _ = try await read("index.html", world, at: reader, from: [owner.address])
        #expect(await owner.service.open[site.v2Hash] != nil)
        return world
    }

    private func path(of root: Digest256, at node: SwarmNode) -> String {
        "\(node.context.home.path)/content/\(root.hex.prefix(2))/\(root.hex)"
    }

    private func read(
        _ name: String,
        _ world: World,
        at node: SwarmNode,
        from peers: [Endpoint]
    ) async throws -> [UInt8] {
        let file = try world.site.file(name)
        var bytes: [UInt8] = []
        while Int64(bytes.count) < file.length {
            bytes += try await node.service.read(
                file,
                of: world.site.release,
                at: Int64(bytes.count),
                count: 1 << 16,
                peers: { KnownPeers(named: peers) },
                mayUseNetwork: true
            )
        }
        return bytes
    }

    @Test(
        "S2-01: a damaged file is set aside, and its page comes again from peers though its torrent was open and full"
    )
    func quarantined() async throws {
        let world = try await world()
        let expected = FetchAllTests.files()[1].bytes
        let root = try #require(try world.site.file("a/long.bin").root)
        let path = path(of: root, at: world.owner)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        try Data(expected.map { ~$0 }).write(to: URL(fileURLWithPath: path))
        #expect(try world.owner.context.content.verify(root) == .damaged)
        #expect(try await read("a/long.bin", world, at: world.owner, from: [world.holder.address]) == expected)
        #expect(try await read("b/again.bin", world, at: world.owner, from: []) == expected)
        try world.owner.context.content.checkpoint()
        #expect(try world.owner.context.content.verify(root) == .sound)
        await world.end()
    }

    @Test("what cannot be read while it is served comes again from peers by itself, and is served then")
    func unreadable() async throws {
        let world = try await world()
        let root = try #require(try world.site.file("a/long.bin").root)
        let path = path(of: root, at: world.owner)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        // In place: the store has it open.
        try Data([1]).write(to: URL(fileURLWithPath: path))
        let torrent = try #require(await world.owner.service.open[world.site.v2Hash]?.torrent)
        torrent.add(peers: [world.holder.address])
        let (owner, reader) = (world.owner.address, world.reader)
        #expect(
            try await read("a/long.bin", world, at: reader, from: [owner]) == FetchAllTests.files()[1].bytes
        )
        try world.owner.context.content.checkpoint()
        #expect(try world.owner.context.content.verify(root) == .sound)
        await world.end()
    }

    @Test("a piece whose read failed, and whose file is sound after all, is offered again while its torrent is open")
    func soundAfterAll() async throws {
        let world = try await world()
        let torrent = try #require(await world.owner.service.open[world.site.v2Hash]?.torrent)
        let piece = try #require(await torrent.verified()?.indices.first)
        // What the session does when the disk answers a read with an error, issue 4 item 2.
        torrent.lost(pieces: [piece])
        #expect(await torrent.verified()?[piece] == false)
        await world.owner.service.look(into: PieceIndex(Int32(piece)), of: world.site.v2Hash)
        #expect(await torrent.verified()?[piece] == true)
        await world.end()
    }

    @Test("what was evicted while its torrent was open is asked for again")
    func evicted() async throws {
        let world = try await world()
        let root = try #require(try world.site.file("index.html").root)
        try world.owner.context.content.remove(.file(root: root))
        #expect(
            try await read("index.html", world, at: world.owner, from: [world.holder.address])
                == FetchAllTests.files()[0].bytes
        )
        await world.end()
    }
}
