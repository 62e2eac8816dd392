// SPDX-License-Identifier: Apache-2.0
import Feeds
import Foundation
import Storage
import Synchronization
import Testing
import Wire

@testable import Node

@Suite("Publishing folders", .timeLimit(.minutes(5)))
struct PublisherTests {
    @Test("S2-02: a first release makes a site, its marker and its recovery kit, and is on disk")
    func first() async throws {
        let node = try await PublishingNode()
        try node.write("<p>1", to: "site/index.html")
        try node.write("x", to: "site/a/b.txt")
        let result = try await node.publish()
        #expect(result.seq == 1 && result.label == "1.0.0" && result.files == 2 && result.bytes == 5)
        #expect(result.added == 5)
        let kit = try #require(result.recoveryKit)
        #expect(try String(contentsOfFile: kit, encoding: .utf8).contains(result.site))
        #expect(try node.text("site/.roost-site").contains(result.site))
        let site = try #require(Digest256(hex: result.site.dropFirst(10)))
        #expect(node.context.keys.hasSite(site))
        #expect(node.sites.isHeld(site) && node.sites.heldReleases(of: site) == [1])
        await node.stop()
        let metadata = try MetadataStore(path: node.context.home.database)
        let feed = try FeedShelf(metadata: metadata).feed(of: site)
        #expect(feed?.state.newest?.release.v2.hex == result.v2)
        #expect(try metadata.read { try $0.manifest(of: site, seq: 1) }?.files.count == 2)
        await node.end()
    }

    @Test("the next release of a folder: numbered, labelled, the marker not in it")
    func second() async throws {
        let node = try await PublishingNode()
        try node.write("1", to: "site/index.html")
        let first = try await node.publish()
        try node.write("2", to: "site/index.html")
        let second = try await node.publish(message: "better")
        #expect(second.site == first.site && second.seq == 2 && second.label == "1.0.1" && second.files == 1)
        #expect(second.recoveryKit == nil)
        await #expect(throws: NodeError.self) { try await node.publish(label: "1.0.0") }
        await node.end()
    }

    @Test("--by has an identity and the site endorse each other, once; unknown identities are refused before all work")
    func endorsed() async throws {
        let node = try await PublishingNode()
        let keys = node.context.keys
        let id = try #require(Digest256(hex: try keys.newIdentity(name: "alice").identity.id))
        try node.write("1", to: "site/index.html")
        await #expect(throws: NodeError.self) { try await node.publish(by: "bob") }
        #expect(try keys.ownSites().isEmpty)
        let first = try await node.publish(by: "alice")
        let site = try #require(Digest256(hex: first.site.dropFirst(10)))
        let feed = try #require(try await node.sites.feed(of: site))
        #expect(keys.endorsers(of: feed.state) == [Endorser(id: id, name: "alice")])
        #expect(first.seq == 1 && feed.log.size == 3)
        // It stands already: nothing is left to release.
        await #expect(throws: NodeError.self) { try await node.publish(by: "alice") }
        // Another one, later, for an unchanged folder.
        _ = try keys.newIdentity(name: "carol")
        #expect(try await node.publish(by: "carol").seq == 2)
        let later = try #require(try await node.sites.feed(of: site))
        #expect(keys.endorsers(of: later.state).map(\.name) == ["alice", "carol"])
        #expect(later.state.ignored.isEmpty)
        await node.end()
    }

    @Test("a message that no reader would accept is refused before the site begins, and says what is wrong with it")
    func controlCharacters() async throws {
        let node = try await PublishingNode()
        try node.write("1", to: "site/index.html")
        for message in ["\u{1B}[31mred", "a\ttab", "\u{9B}"] {
            do throws(NodeError) {
                _ = try await node.publish(message: message)
                Issue.record("published with \(message.debugDescription)")
            } catch {
                #expect(error.kind == .usage && error.message.contains("control characters"))
            }
        }
        #expect(try await node.publish(message: "two\nlines").seq == 1)
        await node.end()
    }

    @Test("an unchanged folder is refused unless a label or a message is given")
    func unchanged() async throws {
        let node = try await PublishingNode()
        try node.write("1", to: "site/index.html")
        let first = try await node.publish()
        do {
            _ = try await node.publish()
            Issue.record("released again")
        } catch {
            #expect(error.kind == .usage && error.message.contains("nothing has changed"))
        }
        let again = try await node.publish(label: "2.0.0")
        #expect(again.seq == 2 && again.v2 == first.v2 && again.added == 0)
        await node.end()
    }

    @Test("--new makes another site of the same folder; a lost marker is asked about; a copy too")
    func choices() async throws {
        let node = try await PublishingNode()
        try node.write("1", to: "site/index.html")
        let first = try await node.publish()
        let other = try await node.publish(new: true)
        #expect(other.site != first.site)
        try FileManager.default.removeItem(at: node.folder.appending(path: "site/.roost-site"))
        await #expect(throws: NodeError.self) { try await node.publish() }
        #expect(try await node.publish(site: other.site, message: "x").seq == 2)
        let copy = node.folder.appending(path: "copy")
        try FileManager.default.copyItem(at: node.folder.appending(path: "site"), to: copy)
        do {
            _ = try await node.publish("copy")
            Issue.record("a copy went unnoticed")
        } catch {
            #expect(error.message.contains("copy"))
        }
        try FileManager.default.removeItem(at: node.folder.appending(path: "site"))
        #expect(try await node.publish("copy", message: "moved").site == other.site)
        await node.end()
    }

    @Test("a second publish of a folder meanwhile is busy")
    func busy() async throws {
        let node = try await PublishingNode()
        for number in 0..<200 { try node.write("file \(number)", to: "site/\(number).html") }
        let kinds = await withTaskGroup(of: NodeError.Kind?.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    do throws(NodeError) {
                        _ = try await node.publish()
                        return nil
                    } catch {
                        return error.kind
                    }
                }
            }
            return await group.reduce(into: [NodeError.Kind?]()) { $0.append($1) }
        }
        #expect(kinds.filter { $0 == nil }.count == 1)
        #expect(kinds.allSatisfy { $0 == nil || $0 == .busy || $0 == .usage })
        #expect(try node.context.metadata.read { try $0.sites() }.count == 1)
        await node.end()
    }

    @Test("a cancelled publish leaves no site, key, kit, marker or copy")
    func cancelled() async throws {
        let node = try await PublishingNode()
        for number in 0..<300 { try node.write("file \(number)", to: "site/\(number).html") }
        let directory = node.folder.appending(path: "site").path
        let task = Task {
            // Begins when it is cancelled.
            try? await Task.sleep(for: .seconds(60))
            return try await node.publisher.publish(PublishRequest(directory: directory), names: node.names) { _ in }
        }
        task.cancel()
        await #expect(throws: (any Error).self) { try await task.value }
        #expect(try node.context.metadata.read { try $0.sites() }.isEmpty)
        #expect(try node.context.keys.ownSites().isEmpty)
        #expect(try node.names(in: "home/recovery").isEmpty)
        #expect(try node.names(in: "home/tmp").isEmpty)
        #expect(try !node.names(in: "site").contains(".roost-site"))
        await node.end()
    }

    @Test("a crash between the pass and the transaction leaves nothing that was acknowledged")
    func crash() async throws {
        let node = try await PublishingNode()
        try node.write("1", to: "site/index.html")
        // All that a publish does before its transaction.
        let tree = try PublishPass.run(folder: node.folder.appending(path: "site").path, into: node.context.content)
        let keys = try node.publisher.begun.create()
        // Keys that the user has put there, without a history yet, are not of that kind.
        let own = try node.context.keys.createSite().keys.site
        withExtendedLifetime(tree) {}
        await node.stop()
        let after = try await PublishingNode(at: node.folder)
        #expect(try after.context.metadata.read { try $0.sites() }.isEmpty)
        let result = try await after.publish()
        #expect(result.seq == 1 && !result.site.contains(keys.keys.site.hex))
        await after.publisher.clearUnfinished()
        #expect(!after.context.keys.hasSite(keys.keys.site))
        #expect(!FileManager.default.fileExists(atPath: keys.kitPath))
        #expect(after.context.keys.hasSite(own))
        #expect(try after.context.keys.ownSites().count == 2)
        #expect(try after.context.metadata.read { try $0.settings(startingWith: "site.begun.") }.isEmpty)
        await after.end()
    }

    @Test("a folder edited while it is published gives a release whose bytes are its hashes")
    func edited() async throws {
        let node = try await PublishingNode()
        for number in 0..<50 { try node.write(String(repeating: "a", count: 5000 + number), to: "site/\(number)") }
        let stop = Atomic(false)
        async let result = node.publish()
        async let edits: Void = {
            var round = 0
            while !stop.load(ordering: .relaxed), round < 2000 {
                try? node.write(String(repeating: "b", count: 4000 + round), to: "site/\(round % 50)")
                round += 1
                await Task.yield()
            }
        }()
        let published = try await result
        stop.store(true, ordering: .relaxed)
        await edits
        let site = try #require(Digest256(hex: published.site.dropFirst(10)))
        let manifest = try #require(try node.context.metadata.read { try $0.manifest(of: site, seq: 1) })
        for file in manifest.files {
            if let root = file.root { #expect(try node.context.content.verify(root) == .sound) }
        }
        await node.end()
    }
}
