// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Feeds
import Foundation
import Storage
import TestSupport
import Testing
import Wire

@testable import Node

@Suite("Pages from the disk", .timeLimit(.minutes(5)))
struct CheckedReaderTests {
    /// One file of many pieces and a small one, and where the first byte of each lies on the disk.
    private struct World {
        let node: SwarmNode
        let site: PublishedSite
        let long: DirectoryFile
        let small: DirectoryFile

        init() async throws {
            node = try await SwarmNode()
            site = try node.publish(FetchAllTests.files())
            long = try site.file("a/long.bin")
            small = try site.file("index.html")
        }

        func read(_ file: DirectoryFile, at offset: Int64 = 0, count: Int = 10) async -> [UInt8]? {
            try? await node.service.read(
                file,
                of: site.release,
                at: offset,
                count: count,
                peers: { [] },
                mayUseNetwork: false
            )
        }

        /// Changes a byte behind the store's back, with the times of the file as they were.
        func rot(_ file: DirectoryFile, at offset: Int) throws {
            try StoredFile(try #require(file.root), in: node.context.home).rot(at: offset)
        }
    }

    @Test(
        "a byte that the disk has changed is not shown, and the file is taken out of service",
        arguments: [true, false]
    )
    func rotten(isLong: Bool) async throws {
        let world = try await World()
        let file = isLong ? world.long : world.small
        let expected = FetchAllTests.files()[isLong ? 1 : 0].bytes
        #expect(await world.read(file, count: expected.count) == expected)
        // What was read a moment ago is in memory; then nobody reads for a while.
        world.node.service.reader.rest()
        world.node.service.reader.rest()
        let place = isLong ? 20_000 : 3
        try world.rot(file, at: place)
        #expect(await world.read(file, at: Int64(place), count: 1) == nil)
        let root = try #require(file.root)
        #expect(!world.node.context.content.contains(.file(root: root)))
        await world.node.end()
    }

    @Test("only pieces that are read are hashed: a fault elsewhere in the file shows when its piece is read")
    func elsewhere() async throws {
        let world = try await World()
        let last = world.long.length - 1
        try world.rot(world.long, at: Int(last))
        #expect(await world.read(world.long, count: 100) == Array(FetchAllTests.files()[1].bytes.prefix(100)))
        #expect(await world.read(world.long, at: last, count: 1) == nil)
        await world.node.end()
    }

    @Test("a page that rotted comes again from a holder")
    func again() async throws {
        let (world, holder) = (try await World(), try await SwarmNode())
        let site = try holder.publish(FetchAllTests.files())
        await holder.service.serve(site.v2, hash: site.v2Hash)
        try world.rot(world.small, at: 0)
        let address = holder.address
        let bytes = try await world.node.service.read(
            world.small,
            of: world.site.release,
            at: 0,
            count: 100,
            peers: { .named(address) },
            mayUseNetwork: true
        )
        #expect(bytes == Array(FetchAllTests.files()[0].bytes.prefix(100)))
        for node in [world.node, holder] { await node.end() }
    }
}
