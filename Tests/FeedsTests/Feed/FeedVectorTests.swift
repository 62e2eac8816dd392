// SPDX-License-Identifier: Apache-2.0
import Feeds
import Keys
import TestSupport
import Testing
import Wire

@Suite struct FeedVectorTests {
    private struct File: Decodable {
        let site: String
        let entries: [String]
        let root: String
        let head: String
        let headHash: String
        let pointer: String
        let recover: String
        let recoveredHead: String
        let rotate: String
    }

    @Test("docs/protocols/feeds.md §8: entries, head, pointer and key changes are these bytes")
    func vectors() throws {
        let file: File = try Vectors.json("feeds/feeds.json")
        var fixture = try FeedFixture(releases: 2)
        #expect(fixture.site.hex == file.site)
        #expect(fixture.log.entries.map { Hex.encode($0) } == file.entries)
        #expect(fixture.log.root.hex == file.root)
        #expect(Hex.encode(try fixture.head().bytes) == file.head)
        #expect(try fixture.head().hash.hex == file.headHash)
        #expect(SitePointer(try fixture.feed()).map { Hex.encode($0.encoded) } == file.pointer)
        let recovered = try fixture.recovered(to: 2, key: fixture.laterKey)
        #expect(recovered.log.entries.last.map { Hex.encode($0) } == file.recover)
        #expect(Hex.encode(try recovered.head(by: fixture.laterKey).bytes) == file.recoveredHead)
        try fixture.append(
            .rotate(
                Rotation(
                    position: fixture.log.position,
                    next: fixture.laterKey.publicKey.identifier,
                    signer: fixture.nextKey
                )
            )
        )
        #expect(fixture.log.entries.last.map { Hex.encode($0) } == file.rotate)
    }
}
