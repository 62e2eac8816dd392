// SPDX-License-Identifier: Apache-2.0
import Keys
import Node
import TestSupport
import Testing
import Wire

@testable import Gateway

@Suite struct HostileRequestTests {
    private static let base32 = Base32.encode(ContentHarness.site.bytes)

    @Test(
        "Only the exact host of a site is served; every other name is refused (DNS rebinding)",
        arguments: [
            "", "localhost:P", "127.0.0.1:P", "[::1]:P", "evil.example:P", "S.evil.example:P", "S.localhost",
            "S.localhost:1",
            "S.localhost:0P", "S.localhost.:P", "x.S.localhost:P", "S.localhost:P:P", "S.localhost:P@evil",
            "v-S.localhost:P",
            "v0-S.localhost:P", "v01-S.localhost:P", "v+1-S.localhost:P", "v99999999999999999999-S.localhost:P",
            "v1-.localhost:P", "v1-S-.localhost:P", "S.n-.localhost:P", "S.n-other.localhost:P",
            "S.m-other.localhost:P",
            "S.n-a.n-b.localhost:P", "roost.localhost:P", ".localhost:P", "Sa.localhost:P",
        ]
    )
    func hosts(pattern: String) async throws {
        let node = NodeDouble.with(["index.html": "x"])
        try await ContentHarness.run(node) { (gateway: ContentHarness) async throws in
            let host = pattern.replacing("S", with: Self.base32).replacing("P", with: "\(gateway.port)")
            #expect(try await gateway.send("/", host: host).status == 421)
        }
        #expect(node.network.isEmpty)
    }

    @Test("A site has one spelling: the last digit of its label carries no spare bits; case does not matter")
    func spelling() {
        let name = Self.base32
        #expect(ContentHost(authority: "\(name).localhost:1", port: 1)?.site == ContentHarness.site)
        #expect(ContentHost(authority: "\(name.uppercased()).LOCALHOST:1", port: 1)?.site == ContentHarness.site)
        let spare = name.dropLast() + "b"
        #expect(ContentHost(authority: "\(spare).localhost:1", port: 1) == nil)
        let host = ContentHost(site: ContentHarness.site, sequence: 12, network: "home")
        #expect(ContentHost(authority: host.name + ":80", port: 80) == host)
        #expect(ContentHost(authority: host.name, port: 80) == host)
    }

    @Test("A network's sites are served under its own label only")
    func network() async throws {
        let node = NodeDouble.with(["index.html": "x"])
        let configure: (inout GatewayConfiguration) -> Void = { $0.network = "home" }
        try await ContentHarness.run(node, configure: configure) { (gateway: ContentHarness) async throws in
            #expect(try await gateway.send("/").status == 421)
            #expect(try await gateway.send("/", host: gateway.host(network: "home")).status == 200)
        }
    }

    @Test(
        "Tricks with the path are refused or mean nothing, never another file",
        arguments: [
            "/..", "/../a", "/%2e%2e/a", "/.%2e/a", "/f/%2E%2E/a", "/./a", "/%2e/a", "//a", "/f//b", "/a%00", "/%00",
            "/a%2fb", "/f%2Fb", "/%c0%ae%c0%ae/a", "/%c0%af", "/%ed%a0%80", "/%ff", "/%", "/%2", "/%zz", "/%+1",
        ]
    )
    func paths(target: String) async throws {
        let node = NodeDouble.with(["a": "secret", "f/b": "secret"])
        try await ContentHarness.run(node) { (gateway: ContentHarness) async throws in
            let answer = try await gateway.send(target)
            #expect(answer.status == 400)
            #expect(!answer.text.contains("secret"))
        }
        #expect(node.network.isEmpty)
    }

    @Test("A backslash, a colon or a query are plain characters of names")
    func plainNames() async throws {
        let node = NodeDouble.with(["a\\..\\b": "1", "c:": "2", "d?e": "3", "ü %": "4"])
        try await ContentHarness.run(node) { (gateway: ContentHarness) async throws in
            #expect(try await gateway.send("/a%5c..%5cb").text == "1")
            #expect(try await gateway.send("/c:").text == "2")
            #expect(try await gateway.send("/d%3Fe").text == "3")
            #expect(try await gateway.send("/%C3%BC%20%25?%2e%2e").text == "4")
        }
    }

    @Test("Targets and heads have limits")
    func limits() async throws {
        try await ContentHarness.run(.with(["a": "x"])) { (gateway: ContentHarness) async throws in
            let long = "/" + String(repeating: "a", count: 5000)
            #expect(try await gateway.send(long).status == 414)
            #expect(try await gateway.send("/a").status == 200)
            await #expect(throws: (any Error).self) {
                try await gateway.fresh { (client: ContentHarness) async throws in
                    var flood: [String: String] = [:]
                    for index in 0..<2000 { flood["X-\(index)"] = String(repeating: "y", count: 100) }
                    let answer = try await client.send("/a", flood)
                    if answer.status == 400 { throw CancellationError() }
                }
            }
            // The server is still there.
            try await gateway.fresh { (client: ContentHarness) async throws in
                #expect(try await client.send("/a").status == 200)
            }
        }
    }

    @Test(
        "Absurd ranges are ignored, cut or refused, and never cost more than the file",
        arguments: [
            "bytes=", "bytes=-", "bytes=--1", "bytes=5-2", "bytes=a-b", "bytes=0x1-2", "lines=0-1", "bytes 0-1",
            "bytes=1",
            "bytes=0-1-2", "bytes=+1-2", "bytes= ", "bytes=,", "bytes=0-9,0-9", "bytes=0-,0-,0-,0-,0-,0-",
            "bytes=-99999999999999999999",
        ]
    )
    func absurdRanges(range: String) async throws {
        try await ContentHarness.run(.with(["a.txt": "0123456789"])) { (gateway: ContentHarness) async throws in
            let answer = try await gateway.send("/a.txt", ["Range": range])
            #expect([200, 206].contains(answer.status))
            #expect(answer.text == "0123456789")
        }
    }

    @Test("Ranges that match nothing, or too many, are 416")
    func unsatisfiable() {
        for range in ["bytes=10-", "bytes=10-20,30-40", "bytes=-0", "bytes=9223372036854775807-"] {
            #expect(ByteRanges(range, length: 10) == .unsatisfiable)
        }
        let many = "bytes=" + (0..<10_000).map { "\($0)-\($0)" }.joined(separator: ",")
        #expect(ByteRanges(many, length: 1 << 40) == .unsatisfiable)
        #expect(ByteRanges("bytes=0-0", length: 0) == .unsatisfiable)
    }

    @Test("Damaged headers and targets never trap")
    func damaged() {
        for bytes in HostileInput.mutations(of: Array("bytes=0-1, 5-, -3".utf8), count: 3000, seed: 1) {
            guard case .parts(let parts) = ByteRanges(String(decoding: bytes, as: UTF8.self), length: 100) else {
                continue
            }
            #expect(parts.allSatisfy { $0.lowerBound >= 0 && $0.upperBound <= 100 && !$0.isEmpty })
        }
        for bytes in HostileInput.mutations(of: Array("/a%20b/%C3%BC/../c?d=e".utf8), count: 3000, seed: 2) {
            let path = try? RequestPath(target: String(decoding: bytes, as: UTF8.self))
            #expect(path?.components.contains { ["", ".", ".."].contains($0) || $0.contains("/") } != true)
        }
        for bytes in HostileInput.mutations(
            of: Array("v12-\(Self.base32).n-x.localhost:8420".utf8),
            count: 3000,
            seed: 3
        ) {
            _ = ContentHost(authority: String(decoding: bytes, as: UTF8.self), port: 8420)
        }
        let tag = EntityTag(contentHash: "00ff")
        for bytes in HostileInput.mutations(of: Array("W/\"00\", \"00ff\"".utf8), count: 1000, seed: 4) {
            _ = tag.isListed(in: String(decoding: bytes, as: UTF8.self))
        }
        for bytes in HostileInput.mutations(of: Array("<!doctype html><meta charset=x>".utf8), count: 1000, seed: 5) {
            _ = ContentType.of(name: "x", prefix: bytes)
        }
    }
}
