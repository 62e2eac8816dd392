// SPDX-License-Identifier: Apache-2.0
import Foundation
import Keys
import NIOHTTP1
import Node
import Synchronization
import Testing
import Wire

@testable import Gateway

@Suite struct ContentServerTests {
    private let page = "<!doctype html><title>Home</title>"

    @Test("S2-17: GET serves index.html at the root, with its tag, its type and its release")
    func index() async throws {
        let page = page
        try await ContentHarness.run(.with(["index.html": page])) { (gateway: ContentHarness) async throws in
            let answer = try await gateway.send("/")
            #expect(answer.status == 200)
            #expect(answer.text == page)
            #expect(answer["Content-Type"] == "text/html; charset=utf-8")
            #expect(answer["ETag"] == "\"\(Hash.sha256(Array(page.utf8)).hex)\"")
            #expect(answer["X-Roost-Release"] == "1 1.0")
            #expect(answer["Cache-Control"] == "no-cache")
        }
    }

    @Test("HEAD has the head of GET and no body")
    func head() async throws {
        let page = page
        try await ContentHarness.run(.with(["index.html": page])) { (gateway: ContentHarness) async throws in
            let answer = try await gateway.send("/", method: .HEAD)
            #expect(answer.status == 200)
            #expect(answer["Content-Length"] == "\(page.utf8.count)")
            #expect(answer.body.isEmpty)
            // The connection is still in step.
            #expect(try await gateway.send("/").text == page)
        }
    }

    @Test("A release has an origin of its own that never changes: immutable")
    func releaseOrigin() async throws {
        try await ContentHarness.run(.with(["a.txt": "old"], ["a.txt": "new"])) {
            (gateway: ContentHarness) async throws in
            let old = try await gateway.send("/a.txt", host: gateway.host(sequence: 1))
            #expect(old.text == "old")
            #expect(old["Cache-Control"] == "public, max-age=31536000, immutable")
            #expect(old["X-Roost-Release"] == "1 1.0")
            #expect(try await gateway.send("/a.txt").text == "new")
            #expect(try await gateway.send("/a.txt", host: gateway.host(sequence: 7)).status == 503)
        }
    }

    @Test("A folder without its slash is redirected, keeping the query; never to another host")
    func folderRedirect() async throws {
        try await ContentHarness.run(.with(["docs/index.html": "x", "a b/c": "y"])) {
            (gateway: ContentHarness) async throws in
            let answer = try await gateway.send("/docs?q=1")
            #expect(answer.status == 301)
            #expect(answer["Location"] == "/docs/?q=1")
            #expect(try await gateway.send("/a%20b")["Location"] == "/a%20b/")
            #expect(try await gateway.send("/docs/").text == "x")
            #expect(try await gateway.send("//docs").status == 400)
        }
    }

    @Test("A folder without index.html is listed, names escaped")
    func listing() async throws {
        try await ContentHarness.run(.with(["f/<b>&\".txt": "x", "f/sub/y": "y"])) {
            (gateway: ContentHarness) async throws in
            let answer = try await gateway.send("/f/")
            #expect(answer.status == 200)
            #expect(answer.text.contains("&lt;b&gt;&amp;&quot;.txt"))
            #expect(answer.text.contains("href=\"./%3Cb%3E%26%22.txt\""))
            #expect(answer.text.contains("href=\"./sub/\""))
            #expect(!answer.text.contains("<b>"))
        }
    }

    @Test("S2-17: What is not in the release is 404, by the site's own 404.html where it has one")
    func notFound() async throws {
        try await ContentHarness.run(.with(["a": "x"])) { (gateway: ContentHarness) async throws in
            let answer = try await gateway.send("/%3Cscript%3E")
            #expect(answer.status == 404)
            #expect(!answer.text.contains("<script>"))
            #expect(try await gateway.send("/a/").status == 404)
        }
        try await ContentHarness.run(.with(["404.html": "<p>own"])) { (gateway: ContentHarness) async throws in
            let answer = try await gateway.send("/nothing", ["Range": "bytes=0-1"])
            #expect(answer.status == 404)
            #expect(answer.text == "<p>own")
        }
    }

    @Test("A tag that the client has is answered 304 without a body (RFC 9110 §13.1.2)")
    func notModified() async throws {
        try await ContentHarness.run(.with(["a.txt": "x"])) { (gateway: ContentHarness) async throws in
            let tag = try #require(try await gateway.send("/a.txt")["ETag"])
            for listed in [tag, "W/\(tag)", "\"no\", \(tag)", "*"] {
                let answer = try await gateway.send("/a.txt", ["If-None-Match": listed])
                #expect(answer.status == 304)
                #expect(answer.body.isEmpty)
                #expect(answer["ETag"] == tag)
            }
            #expect(try await gateway.send("/a.txt", ["If-None-Match": "\"no\""]).status == 200)
        }
    }

    @Test("S2-17: Ranges: one, several, open, suffix, 416, and If-Range (RFC 9110 §14)")
    func ranges() async throws {
        try await ContentHarness.run(.with(["a.txt": "0123456789"])) { (gateway: ContentHarness) async throws in
            let one = try await gateway.send("/a.txt", ["Range": "bytes=2-4"])
            #expect((one.status, one.text, one["Content-Range"]) == (206, "234", "bytes 2-4/10"))
            #expect(try await gateway.send("/a.txt", ["Range": "bytes=7-"]).text == "789")
            #expect(try await gateway.send("/a.txt", ["Range": "bytes=-2"]).text == "89")
            #expect(try await gateway.send("/a.txt", ["Range": "bytes=8-99999999999999999999999"]).text == "89")
            let none = try await gateway.send("/a.txt", ["Range": "bytes=10-"])
            #expect((none.status, none["Content-Range"]) == (416, "bytes */10"))
            let tag = try #require(one["ETag"])
            #expect(try await gateway.send("/a.txt", ["Range": "bytes=0-0", "If-Range": tag]).status == 206)
            #expect(try await gateway.send("/a.txt", ["Range": "bytes=0-0", "If-Range": "\"old\""]).status == 200)
            let many = try await gateway.send("/a.txt", ["Range": "bytes=0-1, 8-9"])
            let type = try #require(many["Content-Type"])
            #expect(many.status == 206)
            let boundary = try #require(type.components(separatedBy: "boundary=").last)
            #expect(
                many.text
                    == "\r\n--\(boundary)\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 0-1/10\r\n\r\n01"
                    + "\r\n--\(boundary)\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 8-9/10\r\n\r\n89"
                    + "\r\n--\(boundary)--\r\n"
            )
        }
    }

    @Test("A body streams in whatever pieces peers send it, byte for byte")
    func streaming() async throws {
        let node = NodeDouble.with(["v.bin": String(repeating: "0123456789", count: 50_000)])
        node.state.withLock {
            $0.remote = [ContentHarness.site]
            $0.chunk = 7777
        }
        try await ContentHarness.run(node) { (gateway: ContentHarness) async throws in
            let whole = try await gateway.send("/v.bin")
            #expect(whole.body.count == 500_000)
            #expect(whole.text == String(repeating: "0123456789", count: 50_000))
        }
        try await ContentHarness.run(node) { (gateway: ContentHarness) async throws in
            let part = try await gateway.send("/v.bin", ["Range": "bytes=123456-345678"])
            #expect(part.body == Array(whole500[123_456...345_678]))
        }
    }

    private var whole500: [UInt8] { Array(String(repeating: "0123456789", count: 50_000).utf8) }

    @Test("An empty file is an empty 200")
    func empty() async throws {
        try await ContentHarness.run(.with(["e.txt": "", "e": ""])) { (gateway: ContentHarness) async throws in
            #expect(try await gateway.send("/e.txt").status == 200)
            #expect(try await gateway.send("/e").body.isEmpty)
            #expect(try await gateway.send("/e.txt", ["Range": "bytes=0-0"]).status == 416)
        }
    }

    @Test("Withdrawn is 410, denied is 451 with list and rule")
    func refusals() async throws {
        let node = NodeDouble.with(["a": "x"])
        try await ContentHarness.run(node) { (gateway: ContentHarness) async throws in
            node.state.withLock {
                $0.errors[ContentHarness.site] = NodeError(.withdrawn, "release 3 was withdrawn", remedy: "Ask for 2.")
            }
            #expect(try await gateway.send("/a").status == 410)
            node.state.withLock {
                $0.errors[ContentHarness.site] = NodeError(.denied, "rule <x> of list local", remedy: "Remove it.")
            }
            let denied = try await gateway.send("/a")
            #expect(denied.status == 451)
            #expect(denied.text.contains("rule &lt;x&gt; of list local"))
        }
    }

    @Test("Other methods are 405, and name what is allowed")
    func methods() async throws {
        try await ContentHarness.run(.with(["a": "x"])) { (gateway: ContentHarness) async throws in
            for method in [HTTPMethod.POST, .PUT, .DELETE, .PATCH, .OPTIONS] {
                let answer = try await gateway.send("/a", method: method)
                #expect(answer.status == 405)
                #expect(answer["Allow"] == "GET, HEAD")
            }
        }
    }
}
