// SPDX-License-Identifier: Apache-2.0
import Feeds
import Keys
import Storage
import Testing
import Wire

@testable import Node

@Suite struct SiteDirectoryTests {
    private static func tree(files count: Int, changed: Int? = nil) throws -> SiteTree {
        let files = (0..<count).map { number in
            let name = String(10_000 + number)
            let mark = number == changed ? "changed" : name
            return ReleaseManifest.File(
                path: ["pages", "\(name).html"],
                length: 1000,
                root: Hash.sha256(Array(mark.utf8)),
                isExecutable: false
            )
        }
        return try SiteTree(manifest: ReleaseManifest(files: files), pieceLength: 16_384)
    }

    /// Publishes a tree as the next release, without the bytes of its files.
    private static func publish(_ tree: SiteTree, _ keys: SiteOwner, on node: SiteNode) async throws -> SiteRelease {
        let directory = try tree.directory()
        let feed = try await node.writer.append(to: keys.site, signer: keys.key) { seq in
            Release(
                seq: seq,
                label: "1.\(seq)",
                v2: directory,
                v1: nil,
                directory: directory,
                pieceLength: tree.pieceLength,
                pieces: tree.pieceCount,
                files: tree.manifest.files.count,
                bytes: tree.bytes,
                time: 1
            )
        } recording: { connection, feed in
            guard let release = feed.state.newest?.release else { return }
            let record = SiteRelease(site: feed.site, release: release).record
            try connection.save(record, manifest: tree.manifest)
        }
        let release = try #require(feed.state.newest?.release)
        return SiteRelease(site: keys.site, release: release)
    }

    @Test("a directory that is asked for by many at once after a start is made once")
    func derivedOnce() async throws {
        let owner = try await SiteNode(in: SiteWorld())
        let keys = try SiteOwner()
        _ = try await keys.create(on: owner)
        let release = try await Self.publish(try Self.tree(files: 2000), keys, on: owner)
        let shelf = DirectoryShelf(metadata: owner.service.context.metadata)
        let context = owner.service.context
        let found = try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
            for _ in 0..<12 {
                group.addTask {
                    try await context.blocking.run { try shelf.node(release.release.directory, site: release.site) }
                }
            }
            return try await group.reduce(into: 0) { $0 += $1 == nil ? 0 : 1 }
        }
        #expect(found == 12)
        #expect(shelf.derivations == 1)
    }

    @Test("one page of 4,000 costs a few KiB, the whole list each node once, an update only what has changed")
    func costs() async throws {
        let world = SiteWorld()
        let (owner, reader) = (try await SiteNode(in: world), try await SiteNode(in: world))
        let keys = try SiteOwner()
        _ = try await keys.create(on: owner)
        let tree = try Self.tree(files: 4000)
        let first = try await Self.publish(tree, keys, on: owner)
        _ = try await reader.service.refresh(.site(keys.site), peers: [owner.address])
        let opened = reader.service.received(for: keys.site)

        guard case .file(let file) = try await reader.service.lookup(["pages", "12345.html"], in: first) else {
            Issue.record("a page was not found")
            return
        }
        #expect(file.root == Hash.sha256(Array("12345".utf8)) && file.firstPiece == 2345)
        let page = reader.service.received(for: keys.site)
        #expect(page - opened < 32_000)
        #expect(try await reader.service.lookup(["pages", "12345.html"], in: first) == .file(file))
        #expect(try await reader.service.lookup(["pages", "none"], in: first) == nil)
        #expect(reader.service.received(for: keys.site) - page < 32_000)

        let before = reader.service.received(for: keys.site)
        #expect(try await reader.service.manifest(of: first) == tree.manifest)
        let whole = reader.service.received(for: keys.site) - before
        var bytes = 0
        _ = try tree.directory { bytes += $1.count }
        #expect(whole > 100_000 && whole < Int64(bytes) * 11 / 10)

        let changed = try Self.tree(files: 4000, changed: 77)
        let second = try await Self.publish(changed, keys, on: owner)
        let known = try await SiteNode.eventually {
            try await reader.service.feed(of: keys.site)?.state.newest?.release == second.release
        }
        #expect(known)
        let start = reader.service.received(for: keys.site)
        #expect(try await reader.service.manifest(of: second) == changed.manifest)
        #expect(reader.service.received(for: keys.site) - start < 48_000)
        for node in [reader, owner] { await node.end() }
    }

    @Test("a folder lists its names in order; what is not here is not looked for without leave")
    func folder() async throws {
        let owner = try await SiteNode(in: SiteWorld())
        let keys = try SiteOwner()
        _ = try await keys.create(on: owner)
        let release = try await Self.publish(try Self.tree(files: 40), keys, on: owner)
        guard case .folder(let pages) = try await owner.service.lookup(["pages"], in: release) else {
            Issue.record("the folder was not found")
            return
        }
        let names = try await owner.service.entries(of: pages, site: keys.site, mayUseNetwork: false).map(\.name)
        #expect(names.count == 40 && names.first == "10000.html" && names == names.sorted())

        let other = SiteRelease(site: keys.site, release: SiteOwner.release(9))
        let failure = await #expect(throws: NodeError.self) {
            _ = try await owner.service.lookup(["x"], in: other, mayUseNetwork: false)
        }
        #expect(failure?.kind == .unavailable)
        await owner.end()
    }
}
