// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Feeds
import Foundation
import Storage
import Swarm
import TestSupport
import Testing
import Wire

@testable import Node

@Suite("Torrents that are no release", .timeLimit(.minutes(5)))
struct TreeTests {
    @Test("a tree is listed, read and fetched by infohash alone, by v2 or v1", arguments: [true, false])
    func tree(isV2: Bool) async throws {
        let (publisher, reader) = (try await SwarmNode(), try await SwarmNode(patience: TwinTests.patience))
        let site = try publisher.publish(FetchAllTests.files())
        let v1 = try #require(site.release.release.v1)
        await publisher.service.serve(isV2 ? site.v2 : site.v1, hash: isV2 ? site.v2Hash : v1)
        let address = publisher.address
        let tree = try await reader.service.openTree(v1: v1, v2: site.release.release.v2) { .named(address) }
        #expect(tree.files.map(\.path) == site.manifest.files.map(\.path))
        let file = try #require(tree.file(at: ["e", "more"]))
        var read: [UInt8] = []
        while read.count < Int(file.length) {
            read += try await reader.service.read(tree, file, at: Int64(read.count), count: 9000) { .named(address) }
        }
        #expect(read == FetchAllTests.files()[5].bytes)
        let empty = try #require(tree.file(at: ["c", "empty"]))
        #expect(try await reader.service.read(tree, empty, at: 0, count: 1) { [] }.isEmpty)
        try await reader.service.fetchAll(tree) { .named(address) }
        await publisher.end()
        // Metadata and files are kept.
        await reader.service.close(tree.hash)
        let again = try await reader.service.openTree(v1: v1, v2: site.release.release.v2) { [] }
        for (file, expected) in zip(again.files, FetchAllTests.files()) where !expected.bytes.isEmpty {
            let index = try #require(FetchAllTests.files().firstIndex { $0.path == file.path.joined(separator: "/") })
            let bytes = try await reader.service.read(again, file, at: 0, count: 1 << 20) { [] }
            #expect(bytes == FetchAllTests.files()[index].bytes)
        }
        await reader.end()
    }

    @Test("where a link said that a tree is found is kept with its metadata")
    func sources() async throws {
        let (publisher, reader) = (try await SwarmNode(), try await SwarmNode(patience: TwinTests.patience))
        let site = try publisher.publish(FetchAllTests.files())
        await publisher.service.serve(site.v2, hash: site.v2Hash)
        var sources = SourceHints(trackers: ["http://t.example/announce"], webSeeds: ["http://w.example/"])
        sources.httpSeeds = ["http://h.example/seed"]
        let known = KnownPeers(holders: [publisher.address], sources: sources)
        let tree = try await reader.service.openTree(v1: nil, v2: site.release.release.v2) { known }
        #expect(tree.sources == sources)
        await reader.service.close(tree.hash)
        let again = try await reader.service.openTree(v1: nil, v2: site.release.release.v2) { [] }
        #expect(again.sources == sources && again.metainfo.infoHashes == tree.metainfo.infoHashes)
        for node in [publisher, reader] { await node.end() }
    }

    @Test("what a .torrent file says needs no peer: its description, and the hashes of its pieces")
    func file() async throws {
        let (publisher, reader) = (try await SwarmNode(), try await SwarmNode(patience: TwinTests.patience))
        let site = try publisher.publish(FetchAllTests.files())
        let metainfo = try ReleaseFiles.stored(site.v2, in: publisher.context).metainfo(.v2, in: publisher.context)
        #expect(!metainfo.pieceLayers.isEmpty)
        try await reader.service.keep(OpenTree(Metainfo(torrentFile: metainfo.torrentFile)))
        let tree = try await reader.service.openTree(v1: nil, v2: site.release.release.v2) { [] }
        #expect(tree.metainfo.pieceLayers == metainfo.pieceLayers)
        #expect(tree.files.map(\.path) == site.manifest.files.map(\.path))
        for node in [publisher, reader] { await node.end() }
    }

    @Test("a file that comes while peers are asked in vain for its description ends the asking, for all who wait")
    func fileDuringMagnet() async throws {
        let (publisher, reader) = (try await SwarmNode(), try await SwarmNode(patience: TwinTests.patience))
        let site = try publisher.publish(FetchAllTests.files())
        let v2 = site.release.release.v2
        async let asked = reader.service.openTree(v1: nil, v2: v2) { [] }
        while await reader.service.open[v2.truncated] == nil { try await Task.sleep(for: .milliseconds(5)) }
        let metainfo = try ReleaseFiles.stored(site.v2, in: publisher.context).metainfo(.v2, in: publisher.context)
        let tree = try OpenTree(metainfo)
        try await reader.service.keep(tree)
        #expect(try await asked.metainfo.infoHashes == metainfo.infoHashes)
        await publisher.service.serve(site.v2, hash: site.v2Hash)
        let address = publisher.address
        let fetched = try await reader.service.fetchAll(tree) { .named(address) }
        #expect(fetched.received > 0)
        // What peers sent of it has not taken the place of what the file said.
        let kept = try await reader.service.storedTree(v1: nil, v2: v2)
        #expect(kept?.metainfo.pieceLayers == metainfo.pieceLayers)
        for node in [publisher, reader] { await node.end() }
    }

    @Test("a hybrid that is open by its v1 link as a v1 torrent gives way to the whole of it, as its file has it")
    func hybrid() async throws {
        let reader = try await SwarmNode(patience: TwinTests.patience)
        let metainfo = try Self.small(.hybrid)
        let v1 = try #require(metainfo.infoHashes.v1)
        async let asked = reader.service.openTree(v1: v1, v2: nil) { [] }
        while await reader.service.open[v1] == nil { try await Task.sleep(for: .milliseconds(5)) }
        let tree = try OpenTree(metainfo)
        try await reader.service.keep(tree)
        let seen = try await asked
        #expect(seen.hash == v1 && seen.metainfo.kind == .v1 && tree.hash != v1)
        let fetch = Task { try await reader.service.fetchAll(tree) { [] } }
        while await reader.service.open[tree.hash] == nil { try await Task.sleep(for: .milliseconds(5)) }
        #expect(await reader.service.open[v1] == nil)
        fetch.cancel()
        _ = await fetch.result
        await reader.end()
    }

    @Test("BEP 27: a private torrent is refused, also where only its infohash is given, and nothing of it is kept")
    func privacy() async throws {
        let (publisher, reader) = (try await SwarmNode(), try await SwarmNode(patience: TwinTests.patience))
        let metainfo = try Self.small(.v1, isPrivate: true)
        let torrent = try await publisher.swarm.add(
            metainfo,
            storage: SiteStorage(content: publisher.context.content, metainfo: metainfo),
            have: Bitfield(count: metainfo.pieceMap.pieceCount)
        )
        let address = publisher.address
        let v1 = try #require(metainfo.infoHashes.v1)
        let error = await #expect(throws: NodeError.self) {
            try await reader.service.openTree(v1: v1, v2: nil) { .named(address) }
        }
        #expect(error?.kind == .notPermitted)
        #expect(try await reader.service.storedTree(v1: v1, v2: nil) == nil)
        await publisher.swarm.remove(torrent)
        for node in [publisher, reader] { await node.end() }
    }

    /// Under a root, or wherever a v1 torrent's file of that number is.
    private static func stored(_ key: ContentKey, in home: Home) throws -> StoredFile {
        switch key {
        case .file(let root): return try StoredFile(root, in: home)
        case .v1(let torrent, let number):
            let all = try FileManager.default.subpathsOfDirectory(atPath: home.path)
            let name = try #require(all.first { $0.contains(torrent.hex) && $0.hasSuffix("/\(number)") })
            return StoredFile(path: "\(home.path)/\(name)")
        }
    }

    private static func small(_ kind: TorrentKind, isPrivate: Bool = false) throws -> Metainfo {
        let entry = TorrentEntry(
            path: ["a"],
            hashes: FileHashes(length: 40_000, root: Digest256(Array(repeating: 7, count: 32)))
        )
        var builder = MetainfoBuilder(name: "small", pieceLength: 65_536, entries: [entry])
        builder.isPrivate = isPrivate
        return try builder.build(kind, v1Pieces: Array(repeating: 0, count: 20))
    }

    @Test(
        "invariant 1: files of a tree that have changed on the disk are found before they are written out",
        arguments: [true, false]
    )
    func damaged(isV2: Bool) async throws {
        let (publisher, reader) = (try await SwarmNode(), try await SwarmNode(patience: TwinTests.patience))
        let site = try publisher.publish(FetchAllTests.files())
        let v1 = try #require(site.release.release.v1)
        let v2 = isV2 ? site.release.release.v2 : nil
        await publisher.service.serve(isV2 ? site.v2 : site.v1, hash: isV2 ? site.v2Hash : v1)
        let address = publisher.address
        let tree = try await reader.service.openTree(v1: isV2 ? nil : v1, v2: v2) { .named(address) }
        try await reader.service.fetchAll(tree) { .named(address) }
        let old = try await reader.service.begun(tree)
        #expect(old.count == 5)
        #expect(try await !reader.service.takeOutDamaged(old, of: tree))
        let file = try #require(tree.file(at: ["e", "more"]))
        try Self.stored(try #require(file.key), in: reader.context.home).rot(at: 30_000)
        #expect(try await reader.service.takeOutDamaged(old, of: tree))
        try await reader.service.fetchAll(tree) { .named(address) }
        #expect(try await !reader.service.takeOutDamaged(old, of: tree))
        for node in [publisher, reader] { await node.end() }
    }

    @Test("a torrent that nobody knows is unavailable after the patience")
    func nobody() async throws {
        let node = try await SwarmNode(patience: FetchPatience(alone: .milliseconds(200)))
        await #expect(throws: NodeError.self) { try await node.service.openTree(v1: .zero, v2: nil) { [] } }
        await node.end()
    }
}
