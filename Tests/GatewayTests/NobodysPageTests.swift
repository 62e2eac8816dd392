// SPDX-License-Identifier: Apache-2.0
import Foundation
import NIOHTTP1
import Node
import Synchronization
import Testing

@testable import Gateway

@Suite struct NobodysPageTests {
    private static let known = ContentHarness.site

    @Test(
        "A part of the site asked for by another origin is 403, whatever it is, and starts nothing",
        arguments: [
            ["no-cors", "image"], ["no-cors", "script"], ["cors", "empty"], ["cors", "font"], ["no-cors", "video"],
            ["navigate", "iframe"], ["navigate", "frame"], ["navigate", "embed"], ["navigate", "object"],
            ["websocket", "websocket"], ["navigate", "fencedframe"], ["no-cors", "empty"],
        ]
    )
    func parts(request: [String]) async throws {
        for site in ["cross-site", "same-site", "cross-site, same-origin", "nonsense"] {
            let node = NodeDouble.with(["index.html": "x"])
            try await ContentHarness.run(node) { (gateway: ContentHarness) async throws in
                let headers = ["Sec-Fetch-Site": site, "Sec-Fetch-Mode": request[0], "Sec-Fetch-Dest": request[1]]
                for host in [gateway.host(), gateway.host(ContentHarness.other)] {
                    #expect(try await gateway.send("/", host: host, headers).status == 403)
                }
            }
            #expect(node.network.isEmpty && node.welcomed.isEmpty)
        }
    }

    @Test("A link to a site that is known opens it")
    func knownLink() async throws {
        let node = NodeDouble.with(["index.html": "x"])
        try await ContentHarness.run(node) { (gateway: ContentHarness) async throws in
            #expect(try await gateway.send("/", ContentHarness.link).text == "x")
        }
        #expect(node.network == ["release"])
    }

    @Test("A first visit that comes from elsewhere asks, and starts nothing before the answer")
    func ask() async throws {
        let node = NodeDouble.with(["index.html": "x", "a.html": "y"])
        node.state.withLock { $0.known = [] }
        try await ContentHarness.run(node) { (gateway: ContentHarness) async throws in
            let question = try await gateway.send("/a.html?q=%22", ContentHarness.link)
            #expect(question.status == 200)
            #expect(question.text.contains("Open this site?"))
            #expect(node.network.isEmpty)
            let token = try #require(question.token)
            let answer = try await gateway.confirm("token=\(token)&to=%2Fa.html%3Fq%3D%2522")
            #expect(answer.status == 303)
            #expect(answer["Location"] == "/a.html?q=%22")
            #expect(node.welcomed == [ContentHarness.site])
            // Once only.
            #expect(try await gateway.confirm("token=\(token)&to=%2F").text.contains("Open this site?"))
            #expect(node.welcomed.count == 1)
        }
    }

    @Test("The answer counts only from the question's own page, for its own site, and leads nowhere else")
    func forgedAnswer() async throws {
        let node = NodeDouble.with(["index.html": "x"])
        node.state.withLock { $0.known = [] }
        try await ContentHarness.run(node) { (gateway: ContentHarness) async throws in
            let token = try #require(try await gateway.send("/", ContentHarness.link).token)
            let form = "token=\(token)&to=%2F%2Fevil.example%2F"
            let foreign = [
                "Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate",
            ]
            #expect(try await gateway.confirm(form, headers: foreign).status == 403)
            #expect(try await gateway.confirm(form, headers: ["Origin": "null"]).status == 403)
            #expect(try await gateway.confirm(form, headers: [:]).status == 403)
            let otherHost = gateway.host(ContentHarness.other)
            let wrongSite = try await gateway.confirm(form, host: otherHost)
            #expect(wrongSite.text.contains("Open this site?"))
            #expect(try await gateway.confirm("token=00&to=/").text.contains("Open this site?"))
            #expect(try await gateway.send("/.roost/open?token=\(token)").status == 405)
            #expect(node.welcomed.isEmpty)
            let answer = try await gateway.confirm(form)
            #expect(answer["Location"] == "/")
            #expect(node.welcomed == [ContentHarness.site])
        }
    }

    @Test("A typed address asks before an unknown site: a typed host's redirect looks the same; a known site opens")
    func typed() async throws {
        let node = NodeDouble.with(["index.html": "x"])
        node.state.withLock { $0.known = [] }
        try await ContentHarness.run(node) { (gateway: ContentHarness) async throws in
            #expect(try await gateway.send("/", ContentHarness.typed).text.contains("Open this site?"))
            #expect(node.network.isEmpty && node.welcomed.isEmpty)
            node.state.withLock { $0.known = [ContentHarness.site] }
            #expect(try await gateway.send("/", ContentHarness.typed).text == "x")
        }
    }

    @Test("A program without fetch metadata is its user's hand: the site opens, and from then on it is known")
    func program() async throws {
        let node = NodeDouble.with(["index.html": "x"])
        node.state.withLock { $0.known = [] }
        try await ContentHarness.run(node) { (gateway: ContentHarness) async throws in
            #expect(try await gateway.send("/", ["User-Agent": "curl/8"]).text == "x")
        }
        #expect(node.welcomed == [ContentHarness.site])
    }

    @Test("A page that has links fetched ahead of a click starts nothing")
    func prefetch() async throws {
        let node = NodeDouble.with(["index.html": "x"])
        try await ContentHarness.run(node) { (gateway: ContentHarness) async throws in
            let headers = ContentHarness.link.merging(["Sec-Purpose": "prefetch;prerender"]) { $1 }
            #expect(try await gateway.send("/", headers).status == 403)
        }
        #expect(node.network.isEmpty)
    }

    @Test("WebSockets and other upgrades are refused, from the site's own pages too")
    func upgrades() async throws {
        try await ContentHarness.run(.with(["index.html": "x"])) { (gateway: ContentHarness) async throws in
            let handshake = [
                "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
                "Sec-WebSocket-Version": "13", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "websocket",
            ]
            #expect(try await gateway.send("/", handshake).status == 403)
        }
    }

    @Test("A browser without fetch metadata is asked, where nothing proves that its reader clicked")
    func oldBrowser() async throws {
        let node = NodeDouble.with(["index.html": "x"])
        try await ContentHarness.run(node) { (gateway: ContentHarness) async throws in
            let other = ["Referer": "http://evil.example/page"]
            #expect(try await gateway.send("/", other).text.contains("Open this site?"))
            #expect(try await gateway.send("/", ["Origin": "http://evil.example"]).status == 403)
            node.state.withLock { $0.known = [] }
            let old = ["User-Agent": "Mozilla/5.0 (old)"]
            #expect(try await gateway.send("/", old).text.contains("Open this site?"))
            #expect(node.network.isEmpty)
            let own = ["Referer": "http://\(gateway.host())/a.html"]
            #expect(try await gateway.send("/", own).text == "x")
            let lookalike = ["Referer": "http://\(gateway.host())1/a.html"]
            #expect(try await gateway.send("/", lookalike).text.contains("Open this site?"))
        }
    }

    @Test("Of two referrers one that is another's counts: who added it is not known")
    func twoReferrers() {
        let own = "http://a.localhost:8420"
        let decide = { (referers: [String]) in
            RequestTrigger.decide(RequestOrigin(referers: referers), ownOrigin: own, isKnown: false)
        }
        #expect(decide([own + "/a", own]) == .serve(mayUseNetwork: true, movesRelease: true, welcomes: false))
        for other in ["http://evil.example/", own + "1/", ""] {
            #expect(decide([own + "/a", other]) == .ask)
            #expect(decide([other, own + "/a"]) == .ask)
        }
    }

    @Test("An origin's release moves with its reader: parts stay with their page, or come from the one before")
    func pinning() async throws {
        let node = NodeDouble.with(["index.html": "one", "style.css": "1", "old.png": "o"])
        try await ContentHarness.run(node) { (gateway: ContentHarness) async throws in
            #expect(try await gateway.send("/", ContentHarness.typed).text == "one")
            node.state.withLock {
                $0.releases[Self.known]?.append(
                    NodeDouble.Release(label: "2", files: ["index.html": Array("two".utf8), "style.css": [0x32]])
                )
            }
            #expect(try await gateway.send("/style.css", ContentHarness.ownPart).text == "1")
            #expect(try await gateway.send("/", ContentHarness.typed).text == "two")
            #expect(try await gateway.send("/style.css", ContentHarness.ownPart).text == "2")
            let old = try await gateway.send("/old.png", ContentHarness.ownPart)
            #expect((old.status, old.text, old["X-Roost-Release"]) == (200, "o", "1 1.0"))
            #expect(try await gateway.send("/old.png", ContentHarness.typed).status == 404)
            // No metadata counts as a navigation.
            #expect(try await gateway.send("/old.png").status == 404)
        }
    }
}

extension ContentHarness.Answer {
    /// The token of an "open this site?" page.
    var token: String? {
        text.components(separatedBy: "name=\"token\" value=\"").last?.components(separatedBy: "\"").first
            .flatMap { $0.count == 32 ? $0 : nil }
    }
}

extension ContentHarness {
    func confirm(
        _ form: String,
        host: String? = nil,
        headers: [String: String]? = nil
    ) async throws -> Answer {
        let own = [
            "Origin": "http://\(host ?? self.host())", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate",
            "Content-Type": "application/x-www-form-urlencoded",
        ]
        return try await send("/.roost/open", host: host, method: .POST, headers ?? own, body: form)
    }
}
