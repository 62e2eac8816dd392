// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Feeds
import Storage
import Synchronization
import TestSupport
import Testing
import Wire

@testable import Node

@Suite("Fetching all of a release", .timeLimit(.minutes(5)))
struct FetchAllTests {
    static func files() -> [(path: String, bytes: [UInt8])] {
        var random = SplitMix64(seed: 3)
        let long = random.bytes(100_000)
        return [
            ("index.html", random.bytes(3000)), ("a/long.bin", long), ("b/again.bin", long), ("c/empty", []),
            ("d/block", random.bytes(16_384)), ("e/more", random.bytes(40_001)),
        ]
    }

    @Test("arrives whole and durable, what is alike only once")
    func whole() async throws {
        let (publisher, reader) = (try await SwarmNode(), try await SwarmNode())
        let site = try publisher.publish(Self.files())
        await publisher.service.serve(site.v2, hash: site.v2Hash)
        let last = Mutex<NodeProgress?>(nil)
        let address = publisher.address
        let fetched = try await reader.service.fetchAll(site.release, manifest: site.manifest) {
            .named(address)
        } report: { progress in
            last.withLock { $0 = progress }
        }
        #expect(reader.holds(site))
        #expect(fetched.received < site.tree.bytes - 90_000)
        #expect(fetched.peers == 1)
        let total = site.tree.bytes
        #expect(last.withLock { $0 } == NodeProgress(stage: "fetching", done: total, total: total))
        for file in site.manifest.files {
            if let root = file.root { #expect(try reader.context.content.verify(root) == .sound) }
        }
        let kept = try reader.context.metadata.read { try $0.manifest(of: site.release.site, seq: 1) }
        #expect(kept == site.manifest)
        await reader.end()
        await publisher.end()
    }

    @Test("peers come from the search as well")
    func search() async throws {
        let finder = TestFinder()
        let (publisher, reader) = (try await SwarmNode(), try await SwarmNode(finder: finder))
        let site = try publisher.publish(Self.files())
        await publisher.service.serve(site.v2, hash: site.v2Hash)
        finder.add(publisher.address, for: site.v2Hash)
        try await reader.service.fetchAll(site.release, manifest: site.manifest) { [] }
        #expect(reader.holds(site))
        await reader.end()
        await publisher.end()
    }

    @Test("peers come from the search for holders of the site, and from those who show up meanwhile")
    func holders() async throws {
        let finder = TestFinder()
        let (publisher, reader) = (try await SwarmNode(), try await SwarmNode(finder: finder))
        let site = try publisher.publish(Self.files())
        await publisher.service.serve(site.v2, hash: site.v2Hash)
        finder.add(publisher.address, for: SiteLocations.holders(of: site.release.site))
        try await reader.service.fetchAll(site.release, manifest: site.manifest) { [] }
        #expect(reader.holds(site))
        let late = try await SwarmNode()
        async let fetched = late.service.fetchAll(site.release, manifest: site.manifest) { [] }
        while await late.service.open[site.v2Hash]?.users != 1 { try await Task.sleep(for: .milliseconds(5)) }
        late.service.enqueue.yield(.holder(publisher.address, site.release.site))
        _ = try await fetched
        #expect(late.holds(site))
        for node in [publisher, reader, late] { await node.end() }
    }

    @Test("a fetch that fails or is cancelled is downloaded no further")
    func givenUp() async throws {
        let (publisher, reader) = (try await SwarmNode(), try await SwarmNode())
        let site = try publisher.publish(Self.files())
        let task = Task { try await reader.service.fetchAll(site.release, manifest: site.manifest) { [] } }
        while await reader.service.open[site.v2Hash]?.users != 1 { try await Task.sleep(for: .milliseconds(5)) }
        task.cancel()
        _ = await task.result
        #expect(await reader.service.open[site.v2Hash] == nil)
        await reader.end()
        await publisher.end()
    }

    @Test("a release whose files are not those it is signed for is refused")
    func broken() async throws {
        let node = try await SwarmNode()
        let site = try node.publish(Self.files())
        var release = site.release
        release.release.directory = .zero
        await #expect(throws: NodeError.self) {
            try await node.service.fetchAll(release, manifest: site.manifest) { [] }
        }
        var manifest = site.manifest
        manifest.files[1].length += 1
        let changed = manifest
        do {
            try await node.service.fetchAll(site.release, manifest: changed) { [] }
            Issue.record("taken")
        } catch {
            #expect(error.kind == .badData)
        }
        await node.end()
    }

    @Test("what nobody has is unavailable after the patience, and what is held takes no peer")
    func nobody() async throws {
        let publisher = try await SwarmNode()
        let reader = try await SwarmNode(patience: FetchPatience(alone: .milliseconds(200)))
        let site = try publisher.publish(Self.files())
        do {
            try await reader.service.fetchAll(site.release, manifest: site.manifest) { [] }
            Issue.record("came from nowhere")
        } catch {
            #expect(error.kind == .unavailable)
            #expect(!error.remedy.isEmpty)
        }
        let fetched = try await publisher.service.fetchAll(site.release, manifest: site.manifest) { [] }
        #expect(fetched == SwarmService.Fetched())
        await reader.end()
        await publisher.end()
    }

    @Test("a second release costs what changed")
    func update() async throws {
        let (publisher, reader) = (try await SwarmNode(), try await SwarmNode())
        let first = try publisher.publish(Self.files())
        await publisher.service.serve(first.v2, hash: first.v2Hash)
        let address = publisher.address
        try await reader.service.fetchAll(first.release, manifest: first.manifest) { .named(address) }
        var files = Self.files()
        files[0].bytes += [1]
        let second = try publisher.publish(files, seq: 2)
        await publisher.service.serve(second.v2, hash: second.v2Hash)
        let fetched = try await reader.service.fetchAll(second.release, manifest: second.manifest) { .named(address) }
        #expect((3001..<4500).contains(fetched.received), "payload, handshake and messages")
        #expect(reader.holds(second))
        await reader.end()
        await publisher.end()
    }
}
