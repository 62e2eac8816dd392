// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Feeds
import Storage
import Swarm
import Synchronization
import TestSupport
import Testing
import Wire

@testable import Node

@Suite("The v1 twin as the only source", .timeLimit(.minutes(5)))
struct TwinTests {
    static let patience = FetchPatience(twin: .milliseconds(100), alone: .seconds(240))

    @Test("all of a release comes from a peer that has the v1 torrent alone")
    func whole() async throws {
        let (publisher, reader) = (try await SwarmNode(), try await SwarmNode(patience: Self.patience))
        let site = try publisher.publish(FetchAllTests.files())
        let v1 = try #require(site.release.release.v1)
        await publisher.service.serve(site.v1, hash: v1)
        let address = publisher.address
        let fetched = try await reader.service.fetchAll(site.release, manifest: site.manifest) { .named(address) }
        #expect(fetched.received >= 159_000)
        #expect(reader.holds(site))
        for file in site.manifest.files {
            if let root = file.root { #expect(try reader.context.content.verify(root) == .sound) }
        }
        await reader.end()
        await publisher.end()
    }

    @Test(
        "what others take into the store is found by the fetch, in all its places: housekeeping, and one who did not live to say so",
        arguments: [true, false]
    )
    func untold(saysSo: Bool) async throws {
        let (publisher, reader) = (try await SwarmNode(), try await SwarmNode(patience: Self.patience))
        let site = try publisher.publish(FetchAllTests.files())
        let v1 = try #require(site.release.release.v1)
        await publisher.service.serve(site.v1, hash: v1)
        let address = publisher.address
        let taking = Task {
            while !Task.isCancelled {
                if let entry = await reader.service.open[v1], let verified = await entry.torrent.verified() {
                    if saysSo { await reader.service.takeLeft(of: entry) }
                    if !saysSo { _ = try? entry.twin?.importFinished(verified) }
                }
                await Task.yield()
            }
        }
        _ = try await reader.service.fetchAll(site.release, manifest: site.manifest) { .named(address) }
        taking.cancel()
        await taking.value
        #expect(reader.holds(site))
        for node in [publisher, reader] { await node.end() }
    }

    @Test("a page comes from it, before the whole file is there", arguments: [true, false])
    func page(knowsManifest: Bool) async throws {
        let (publisher, reader) = (try await SwarmNode(), try await SwarmNode(patience: Self.patience))
        let site = try publisher.publish(FetchAllTests.files())
        await publisher.service.serve(site.v1, hash: try #require(site.release.release.v1))
        if knowsManifest {
            let (record, manifest) = (site.release.record, site.manifest)
            try reader.context.metadata.write { try $0.save(record, manifest: manifest) }
        }
        let address = publisher.address
        let file = try site.file("a/long.bin")
        let expected = FetchAllTests.files()[1].bytes
        var read: [UInt8] = []
        while read.count < expected.count {
            read += try await reader.service.read(
                file,
                of: site.release,
                at: Int64(read.count),
                count: 20_000,
                peers: { .named(address) },
                mayUseNetwork: true
            )
        }
        #expect(read == expected)
        // It gets its place under the root when somebody looks, at the latest when the twin is closed.
        await reader.service.close(try #require(site.release.release.v1))
        #expect(try reader.context.content.verify(try #require(file.root)) == .sound)
        try reader.context.content.forEachPartialFile { key, _ in
            if case .v1 = key { #expect(knowsManifest) }
        }
        await reader.end()
        await publisher.end()
    }

    @Test("S3-004: what a twin wrote last counts when it ends, though its session was not told of it any more")
    func lastPieces() async throws {
        let (publisher, reader) = (try await SwarmNode(), try await SwarmNode())
        let site = try publisher.publish(FetchAllTests.files())
        let record = site.release.record
        let metainfo = try site.tree.tree.v1Metainfo(pieces: site.tree.v1Pieces)
        let twin = TwinFiles(
            v1: try #require(record.v1),
            pieceLength: record.pieceLength,
            manifest: site.manifest,
            content: reader.context.content
        )
        let storage = try twin.prepare(metainfo)
        let source = TwinFiles(
            v1: try #require(record.v1),
            pieceLength: record.pieceLength,
            manifest: site.manifest,
            content: publisher.context.content
        )
        let held = try source.prepare(metainfo)
        for piece in metainfo.pieceMap.indices {
            let index = PieceIndex(Int32(piece))
            var bytes = [UInt8](repeating: 0, count: metainfo.pieceMap.length(of: index))
            var span = bytes.mutableSpan
            var raw = unsafe span.mutableBytes
            try held.read(index, offset: 0, into: &raw)
            unsafe try storage.write(index, bytes.span.bytes)
        }
        #expect(try twin.importFinished(Bitfield(count: metainfo.pieceMap.pieceCount)).isEmpty)
        // Who need not wait for another's import does not, and takes no thread with it.
        let beside = try twin.importing.withLock { _ in try twin.importFinished(nil, mayWait: false) }
        #expect(beside.isEmpty)
        #expect(try !twin.importFinished(nil, mayWait: false).isEmpty)
        #expect(reader.holds(site))
        await reader.end()
        await publisher.end()
    }

    @Test("a twin of other files is refused, and leaves nothing under their roots")
    func broken() async throws {
        let (publisher, reader) = (try await SwarmNode(), try await SwarmNode(patience: Self.patience))
        let site = try publisher.publish(FetchAllTests.files())
        var files = FetchAllTests.files()
        files[4].bytes[7] ^= 1
        let other = try publisher.publish(files, seq: 2)
        await publisher.service.serve(other.v1, hash: try #require(other.release.release.v1))
        var release = site.release
        release.release.v1 = other.release.release.v1
        let forged = release
        let address = publisher.address
        do {
            try await reader.service.fetchAll(forged, manifest: site.manifest) { .named(address) }
            Issue.record("taken")
        } catch {
            #expect(error.kind == .badData)
        }
        for file in [site, other].flatMap(\.manifest.files) where file.path == ["d", "block"] {
            #expect(!reader.context.content.contains(.file(root: try #require(file.root))))
        }
        await reader.end()
        await publisher.end()
    }

    @Test("S0-18, S3-004: who fetched by v2 hosts the twin afterwards")
    func hosted() async throws {
        let (publisher, reader) = (try await SwarmNode(), try await SwarmNode())
        let third = try await SwarmNode(patience: Self.patience)
        let site = try publisher.publish(FetchAllTests.files())
        try await publisher.serveAll()
        let (address, next) = (publisher.address, reader.address)
        try await reader.service.fetchAll(site.release, manifest: site.manifest) { .named(address) }
        await publisher.end()
        try await reader.serveAll()
        await reader.service.stopServing(site.v2Hash)
        try await third.service.fetchAll(site.release, manifest: site.manifest) { .named(next) }
        #expect(third.holds(site))
        let pieces = try reader.context.metadata.read { try $0.v1Pieces(of: site.release.site, seq: 1) }
        #expect(pieces == site.tree.v1Pieces)
        #expect(await third.service.totals().down > 0)
        #expect(await reader.service.torrents().contains { $0.v1 != nil && $0.state == "seeding" })
        await third.end()
        await reader.end()
    }

    @Test("who fetched by v1 alone hosts v2, hashes of pieces included")
    func upgraded() async throws {
        let (publisher, second) = (try await SwarmNode(), try await SwarmNode(patience: Self.patience))
        let third = try await SwarmNode()
        let site = try publisher.publish(FetchAllTests.files())
        await publisher.service.serve(site.v1, hash: try #require(site.release.release.v1))
        let (first, next) = (publisher.address, second.address)
        try await second.service.fetchAll(site.release, manifest: site.manifest) { .named(first) }
        await publisher.end()
        // Once from the session that fetched it, once from one that is made for the peer that comes.
        try await third.service.fetchAll(site.release, manifest: site.manifest) { .named(next) }
        #expect(third.holds(site))
        await third.end()
        let fourth = try await SwarmNode()
        await second.service.close(site.v2Hash)
        try await second.serveAll()
        try await fourth.service.fetchAll(site.release, manifest: site.manifest) { .named(next) }
        #expect(fourth.holds(site))
        await fourth.end()
        await second.end()
    }
}
