// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import NIOPosix
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Transport

@Suite struct HTTPTests {
    private func dialer(
        _ names: [String: [String]] = [:],
        patience: TimeAmount = .seconds(20),
        trusting pem: [UInt8]? = nil
    ) -> HTTPDialer {
        var configuration = HTTPConfiguration()
        configuration.patience = patience
        configuration.additionalTrustRoots = pem
        return HTTPDialer(
            loop: MultiThreadedEventLoopGroup.singleton.any(),
            configuration: configuration,
            resolver: TestResolver(names: names)
        )
    }

    private func get(
        _ dialer: HTTPDialer,
        _ url: ServiceURL,
        policy: AddressPolicy = .user,
        maximumBytes: Int = 10_000,
        timeout: TimeAmount = .seconds(30)
    ) async throws -> HTTPReply {
        try await dialer.get(url, policy: policy, maximumBytes: maximumBytes, timeout: timeout).get()
    }

    @Test("A resource comes with its status, and the request names host and program, nothing else")
    func simple() async throws {
        let server = try await RawServer.start { _ in .ok("hello", status: "404 Not Found") }
        let reply = try await get(dialer(["web.test": ["127.0.0.1"]]), try server.url("/a?b=c", host: "web.test"))
        #expect(reply.status == 404)
        #expect(reply.body == Array("hello".utf8))
        #expect(reply.remote == server.endpoint)
        let expected = """
            GET /a?b=c HTTP/1.1\r\nhost: web.test:\(server.endpoint.port)\r\nuser-agent: Roost\r\naccept: */*\r
            accept-encoding: identity\r\nconnection: close
            """
        #expect(server.requests == [expected])
        await server.stop()
    }

    @Test("Chunked bodies, and bodies that end with the connection, are whole")
    func framing() async throws {
        let server = try await RawServer.start { line in
            if line.contains("chunked") {
                return .init(
                    Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n".utf8)
                )
            }
            return .init(Array("HTTP/1.0 200 OK\r\n\r\nabcde".utf8), closes: true)
        }
        for target in ["/chunked", "/old"] {
            #expect(try await get(dialer(), try server.url(target)).body == Array("abcde".utf8))
        }
        await server.stop()
    }

    @Test("A name is resolved once: the address that was judged is the one that is connected to")
    func pinned() async throws {
        let server = try await RawServer.start { _ in .ok("secret") }
        let names = ["evil.test": ["127.0.0.1"], "mixed.test": ["10.0.0.1", "127.0.0.1"], "none.test": []]
        await #expect(throws: HTTPError.forbidden) {
            try await get(dialer(names), try server.url("/", host: "evil.test"), policy: .stranger)
        }
        await #expect(throws: HTTPError.forbidden) {
            try await get(dialer(names), try server.url("/", host: "mixed.test"), policy: .stranger)
        }
        await #expect(throws: HTTPError.unresolvable) {
            try await get(dialer(names), try server.url("/", host: "none.test"), policy: .stranger)
        }
        for host in ["127.0.0.1", "[::ffff:127.0.0.1]"] {
            await #expect(throws: HTTPError.forbidden) {
                try await get(dialer(), try server.url("/", host: host), policy: .stranger)
            }
        }
        #expect(server.requests.isEmpty)
        await server.stop()
    }

    @Test(
        "The system's resolver reads odd spellings of loopback, and the policy still refuses them",
        arguments: ["localhost", "127.1", "2130706433", "0x7f000001"]
    )
    func spellings(host: String) async throws {
        let dialer = HTTPDialer(loop: MultiThreadedEventLoopGroup.singleton.any())
        let url = try #require(ServiceURL("http://\(host):8080/"))
        // A system without that spelling resolves nothing, which is as good.
        await #expect(throws: HTTPError.self) { try await dialer.endpoints(of: url, policy: .stranger).get() }
    }

    @Test("Redirects are followed five times, each under the policy of what the last server may name")
    func redirects() async throws {
        let server = try await RawServer.start { line in
            let step = line.split(separator: " ").dropFirst().first ?? ""
            let number = Int(step.dropFirst()) ?? 0
            return number == 0 ? .ok("end") : .redirect("/\(number - 1)")
        }
        #expect(try await get(dialer(), try server.url("/5")).body == Array("end".utf8))
        await #expect(throws: HTTPError.badRedirect) { try await get(dialer(), try server.url("/6")) }
        await server.stop()
    }

    @Test(
        "A redirect leads to no address that its server may not name, to no other scheme, and not from https to http",
        arguments: [
            ("http://9.9.9.9/", "http://127.0.0.1/", false), ("http://9.9.9.9/", "http://10.0.0.1/", false),
            ("http://9.9.9.9/", "http://8.8.8.8/", true), ("http://10.0.0.1/", "http://127.0.0.1/", false),
            ("http://10.0.0.1/", "http://10.0.0.2/", true), ("http://127.0.0.1/", "http://127.0.0.1:81/", false),
            ("http://127.0.0.1/", "http://127.0.0.1:8081/", true),
        ]
    )
    func redirectPolicy(from: String, to: String, isAllowed: Bool) throws {
        let start = try #require(ServiceURL(from))
        let server = Endpoint(try #require(start.address), port: start.port)
        let (next, policy) = try #require(start.following(to, named: server))
        #expect(policy.admits(Endpoint(try #require(next.address), port: next.port)) == isAllowed)
        let secure = try #require(ServiceURL("https://9.9.9.9/"))
        #expect(secure.following("http://9.9.9.9/", named: server) == nil)
        #expect(secure.following("ftp://9.9.9.9/", named: server) == nil)
        #expect(secure.following("udp://9.9.9.9:80/", named: server) == nil)
        #expect(secure.following(nil, named: server) == nil)
    }

    @Test("Bodies beyond the limit end the request, stated, chunked or endless")
    func tooLarge() async throws {
        let long = String(repeating: "x", count: 50_000)
        let server = try await RawServer.start { line in
            if line.contains("stated") {
                return .init(Array("HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n".utf8))
            }
            return .init(Array("HTTP/1.1 200 OK\r\n\r\n\(long)".utf8))
        }
        for target in ["/stated", "/endless"] {
            await #expect(throws: HTTPError.tooLarge) { try await get(dialer(), try server.url(target)) }
        }
        await server.stop()
    }

    @Test("Heads that are too large, no HTTP, coded, or twice as many as asked for, are refused")
    func malformed() async throws {
        let pad = String(repeating: "X-Pad: \(String(repeating: "y", count: 500))\r\n", count: 100)
        let server = try await RawServer.start { line in
            switch line.split(separator: " ").dropFirst().first {
            case "/noise": .init(Array("\u{1}\u{2}\u{3} nonsense\r\n\r\n".utf8))
            case "/coded": .ok("1234", headers: "Content-Encoding: gzip\r\n")
            case "/length": .init(Array("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n".utf8))
            case "/heads": .init(Array("HTTP/1.1 200 OK\r\n\(pad)\r\n".utf8))
            default: .init([], closes: true)
            }
        }
        for (target, error) in [
            ("/noise", HTTPError.malformed), ("/coded", .malformed), ("/length", .malformed), ("/heads", .tooLarge),
            ("/gone", .closed),
        ] {
            await #expect(throws: error, "\(target)") { try await get(dialer(), try server.url(target)) }
        }
        await server.stop()
    }

    @Test("A server that says nothing, or too little, is given up")
    func slow() async throws {
        let server = try await RawServer.start { _ in nil }
        await #expect(throws: HTTPError.timeout) {
            try await get(dialer(patience: .milliseconds(50)), try server.url("/"))
        }
        await #expect(throws: HTTPError.timeout) {
            try await get(dialer(), try server.url("/"), timeout: .milliseconds(50))
        }
        await server.stop()
    }

    @Test("Certificates must be of a known authority and for the name")
    func certificates() async throws {
        let authority = try Vectors.load("tls-web/ca.pem")
        let server = try await RawServer.start(isEncrypted: true) { _ in .ok("safe") }
        let names = ["web.test": ["127.0.0.1"], "other.test": ["127.0.0.1"]]
        let known = dialer(names, trusting: authority)
        let url = try server.url("/", host: "web.test", scheme: "https")
        #expect(try await get(known, url).body == Array("safe".utf8))
        for (dialer, host) in [(dialer(names), "web.test"), (known, "other.test"), (known, "127.0.0.1")] {
            await #expect(throws: HTTPError.untrusted, "\(host)") {
                try await get(dialer, try server.url("/", host: host, scheme: "https"))
            }
        }
        #expect(server.requests.count == 1)
        await server.stop()
    }

    @Test("Content-Range reads as RFC 9110 §14.4 writes it, and damaged ones never trap")
    func contentRange() {
        #expect(HTTPHead.range("bytes 5-9/100").map { [$0.start, $0.length] } == [5, 5])
        #expect(HTTPHead.range("Bytes 0-0/*").map { [$0.start, $0.length] } == [0, 1])
        for text in [
            "", "bytes", "bytes */5", "bytes 9-5/10", "bytes -1-5/9", "bytes 0-9223372036854775807/*", "lines 0-1/2",
        ] {
            #expect(HTTPHead.range(text) == nil, "\(text)")
        }
        for bytes in HostileInput.mutations(of: Array("bytes 123-456/789".utf8), count: 1000, seed: 1) {
            _ = HTTPHead.range(String(decoding: bytes, as: UTF8.self))
        }
    }
}
