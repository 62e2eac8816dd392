// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Feeds
import Storage
import Swarm
import TestSupport
import Testing
import Wire

@testable import Node

@Suite("Reading from a release", .timeLimit(.minutes(1)))
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
                peers: { [address] },
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
            peers: { [address] },
            mayUseNetwork: true
        )
        while await reader.service.open[site.v2Hash]?.users != 1 { try await Task.sleep(for: .milliseconds(5)) }
        async let whole = reader.service.fetchAll(site.release, manifest: site.manifest) { [address] }
        while await reader.service.open[site.v2Hash]?.sparse != nil { try await Task.sleep(for: .milliseconds(5)) }
        await publisher.service.serve(site.v2, hash: site.v2Hash)
        #expect(try await page == Array(FetchAllTests.files()[5].bytes.prefix(16_384)))
        _ = try await whole
        #expect(reader.holds(site))
        await reader.end()
        await publisher.end()
    }
}
