// SPDX-License-Identifier: Apache-2.0
import Feeds
import Foundation
import Storage
import Testing
import Wire

@testable import Node

@Suite("Fetching sites", .timeLimit(.minutes(5)))
struct FetcherTests {
    static func world() async throws -> (publisher: PublishingNode, reader: PublishingNode, PublishResult) {
        let (publisher, reader) = (try await PublishingNode(), try await PublishingNode())
        try publisher.write("<p>hello", to: "site/index.html")
        try publisher.write(String(repeating: "x", count: 200_000), to: "site/deep/er/big.txt")
        try publisher.write("", to: "site/empty")
        return (publisher, reader, try await publisher.publish())
    }

    @Test("a site arrives in its folder, counted and traced")
    func whole() async throws {
        let (publisher, reader, site) = try await Self.world()
        let result = try await reader.fetch(site.site, from: publisher, to: "new/out")
        #expect(result.seq == 1 && result.label == "1.0.0" && result.files == 3 && result.bytes == site.bytes)
        // The history and the directory count as well.
        #expect(result.received > site.bytes + 500)
        #expect(result.peers >= 1)
        #expect(result.trace?.isEmpty == false)
        #expect(try reader.text("new/out/index.html") == "<p>hello")
        #expect(try reader.text("new/out/deep/er/big.txt").count == 200_000)
        #expect(try reader.names(in: "new/out") == ["deep", "empty", "index.html"])
        #expect(try await reader.fetch(site.magnet, from: publisher, to: nil).site == site.site)
        await reader.end()
        await publisher.end()
    }

    @Test("names that not every system allows are changed, and the result says which")
    func renamed() async throws {
        let (publisher, reader) = (try await PublishingNode(), try await PublishingNode())
        try publisher.write("1", to: "site/a&b<c>.txt")
        try publisher.write("2", to: "site/plain.txt")
        let site = try await publisher.publish()
        let result = try await reader.fetch(site.site, from: publisher, to: "out")
        #expect(result.renamed == ["a&b<c>.txt"])
        #expect(try reader.names(in: "out").count == 2)
        #expect(try await reader.fetch(site.site, from: publisher, to: nil).renamed == nil)
        await reader.end()
        await publisher.end()
    }

    @Test("S2-07: an update costs what changed, and an old release can still be had")
    func update() async throws {
        let (publisher, reader, site) = try await Self.world()
        let first = try await reader.fetch(site.site, from: publisher, to: nil)
        #expect(first.dir == nil)
        try publisher.write("<p>again", to: "site/index.html")
        _ = try await publisher.publish()
        // Who is asked and does not answer in time leaves the reader with what it knew: on a busy machine that happens.
        var second = try await reader.fetch(site.site, from: publisher, to: "two")
        for attempt in 0..<20 where second.seq == 1 {
            second = try await reader.fetch(site.site, from: publisher, to: "two\(attempt)")
        }
        #expect(second.seq == 2 && second.received < 20_000)
        let folder = try #require(second.dir?.split(separator: "/").last)
        #expect(try reader.text("\(folder)/index.html") == "<p>again")
        let old = try await reader.fetch("\(site.site)@1.0.0", from: publisher, to: "one")
        #expect(old.seq == 1)
        #expect(try reader.text("one/index.html") == "<p>hello")
        await reader.end()
        await publisher.end()
    }

    @Test("invariant 1: files that were here and have changed on the disk since come again, and are not written out")
    func damaged() async throws {
        let (publisher, reader, site) = try await Self.world()
        _ = try await reader.fetch(site.site, from: publisher, to: nil)
        for root in try KeepingServiceTests.roots(try KeepingServiceTests.id(site), publisher) {
            try reader.damage(root)
        }
        _ = try await reader.fetch(site.site, from: publisher, to: "out")
        #expect(try reader.text("out/index.html") == "<p>hello")
        #expect(try reader.text("out/deep/er/big.txt") == String(repeating: "x", count: 200_000))
        await reader.end()
        await publisher.end()
    }

    @Test("a folder in use is refused before anything is asked; no such release; withdrawn")
    func refused() async throws {
        let (publisher, reader, site) = try await Self.world()
        try reader.write("mine", to: "out/file")
        func kind(_ link: String, _ name: String) async -> NodeError.Kind? {
            do throws(NodeError) {
                _ = try await reader.fetch(link, from: publisher, to: name)
                return nil
            } catch {
                return error.kind
            }
        }
        #expect(await kind(site.site, "out") == .cannotCreate)
        #expect(try reader.context.metadata.read { try $0.sites() }.isEmpty)
        #expect(await kind("\(site.site)@9", "new") == .notFound)
        let id = try #require(Digest256(hex: site.site.dropFirst(10)))
        _ = try await publisher.keeping.change(id, .withdraw(sequence: nil))
        // As long as the publisher does not answer in time, the reader has what it knew.
        var (answer, attempt) = (await kind(site.site, "new"), 0)
        while answer == nil, attempt < 20 {
            attempt += 1
            answer = await kind(site.site, "new\(attempt)")
        }
        #expect(answer == .withdrawn)
        #expect(try reader.names(in: "out") == ["file"])
        await reader.end()
        await publisher.end()
    }
}
