// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Feeds
import Storage
import Swarm
import TestSupport
import Testing
import Wire

@testable import Node

@Suite("Reading from a release", .timeLimit(.minutes(5)))
struct ReadingTests {
    @Test("a page of a large site costs only its own bytes, and later comes from here")
    func sparse() async throws {
        let (publisher, reader) = (try await SwarmNode(), try await SwarmNode())
        let site = try publisher.publish(FetchAllTests.files())
        await publisher.service.serve(site.v2, hash: site.v2Hash)
        let address = publisher.address
        let file = try site.file("a/long.bin")
        let expected = FetchAllTests.files()[1].bytes
        var read: [UInt8] = []
        while read.count < expected.count {
            read += try await reader.service.read(
                file,
                of: site.release,
                at: Int64(read.count),
                count: 30_000,
                peers: { .named(address) },
                mayUseNetwork: true
            )
        }
        #expect(read == expected)
        let received = await reader.service.open[site.v2Hash]?.torrent.status()?.downloaded
        #expect(received == 100_000)
        let again = try await reader.service.read(
            file,
            of: site.release,
            at: 99_999,
            count: 10,
            peers: { [] },
            mayUseNetwork: false
        )
        #expect(again == [expected[99_999]])
        await reader.end()
        await publisher.end()
    }

    @Test("readers of a release go on when all of it is fetched")
    func upgrade() async throws {
        let (publisher, reader) = (try await SwarmNode(), try await SwarmNode())
        let site = try publisher.publish(FetchAllTests.files())
        let address = publisher.address
        let file = try site.file("e/more")
        async let page = reader.service.read(
            file,
            of: site.release,
            at: 0,
            count: 16_384,
            peers: { .named(address) },
            mayUseNetwork: true
        )
        while await reader.service.open[site.v2Hash]?.users != 1 { try await Task.sleep(for: .milliseconds(5)) }
        async let whole = reader.service.fetchAll(site.release, manifest: site.manifest) { .named(address) }
        while await reader.service.open[site.v2Hash]?.sparse != nil { try await Task.sleep(for: .milliseconds(5)) }
        await publisher.service.serve(site.v2, hash: site.v2Hash)
        #expect(try await page == Array(FetchAllTests.files()[5].bytes.prefix(16_384)))
        _ = try await whole
        #expect(reader.holds(site))
        await reader.end()
        await publisher.end()
    }

    @Test("who read a long file, and fetched the rest, gives both on with their hashes", arguments: [true, false])
    func handedOn(isReopened: Bool) async throws {
        let (publisher, second) = (try await SwarmNode(), try await SwarmNode())
        let third = try await SwarmNode()
        let site = try publisher.publish(FetchAllTests.files())
        try await publisher.serveAll()
        let (first, next) = (publisher.address, second.address)
        let expected = FetchAllTests.files()[1].bytes
        let file = try site.file("a/long.bin")
        let read = { (node: SwarmNode, address: Endpoint) in
            var bytes: [UInt8] = []
            while bytes.count < expected.count {
                bytes += try await node.service.read(
                    file,
                    of: site.release,
                    at: Int64(bytes.count),
                    count: 65_536,
                    peers: { .named(address) },
                    mayUseNetwork: true
                )
            }
            #expect(bytes == expected)
        }
        try await read(second, first)
        try await second.service.fetchAll(site.release, manifest: site.manifest) { .named(first) }
        await publisher.end()
        // Its session is built anew for whoever comes, as after a pause or a restart.
        if isReopened { await second.service.close(site.v2Hash) }
        try await second.serveAll()
        try await read(third, next)
        try await third.service.fetchAll(site.release, manifest: site.manifest) { .named(next) }
        #expect(third.holds(site))
        #expect(await third.service.torrents().allSatisfy { $0.v1 == nil })
        await third.end()
        await second.end()
    }
}
