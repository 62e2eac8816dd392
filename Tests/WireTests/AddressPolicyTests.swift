// SPDX-License-Identifier: Apache-2.0
internal import TestSupport
internal import Testing
internal import Wire

@Suite struct AddressPolicyTests {
    static let scopes: [(String, AddressScope)] = [
        ("8.8.8.8", .global), ("127.0.0.1", .loopback), ("127.255.255.254", .loopback), ("10.0.0.1", .privateUse),
        ("172.15.255.255", .global), ("172.16.0.1", .privateUse), ("172.31.255.255", .privateUse),
        ("172.32.0.0", .global),
        ("192.168.1.1", .privateUse), ("169.254.169.254", .linkLocal), ("100.64.0.1", .shared),
        ("100.128.0.1", .global),
        ("0.0.0.0", .notUnicast), ("0.1.2.3", .notUnicast), ("224.0.0.1", .notUnicast),
        ("255.255.255.255", .notUnicast),
        ("240.0.0.1", .reserved), ("192.0.0.8", .reserved), ("192.0.2.1", .reserved), ("198.18.0.1", .reserved),
        ("198.51.100.7", .reserved), ("203.0.113.9", .reserved), ("192.88.99.1", .reserved),
        ("2606:4700:4700::1111", .global), ("2001:4860:4860::8888", .global), ("::1", .loopback), ("::", .notUnicast),
        ("fd00::1", .privateUse), ("fc00::1", .privateUse), ("fec0::1", .privateUse), ("fe80::1", .linkLocal),
        ("ff02::1", .notUnicast), ("2001:db8::1", .reserved), ("2001::1", .reserved), ("2001:1ff::1", .reserved),
        ("2001:200::1", .global), ("3fff::1", .reserved), ("100::1", .reserved), ("4000::1", .reserved),
        ("::127.0.0.1", .reserved), ("::ffff:127.0.0.1", .loopback), ("::ffff:10.1.2.3", .privateUse),
        ("::ffff:8.8.8.8", .global), ("64:ff9b::7f00:1", .loopback), ("64:ff9b::808:808", .global),
        ("64:ff9b:1::a00:1", .privateUse), ("2002:7f00:1::", .loopback), ("2002:a00:1::1", .privateUse),
    ]

    @Test("An address has the scope that IANA's registries give it, embedded IPv4 included", arguments: scopes)
    func scope(text: String, scope: AddressScope) throws {
        #expect(try #require(IPAddress(text)).scope == scope)
    }

    @Test("Strangers may name public addresses only, a network's members their network, a machine itself")
    func reach() throws {
        let loopback = try #require(IPAddress("127.0.0.1"))
        let local = try #require(IPAddress("192.168.1.7"))
        let global = try #require(IPAddress("9.9.9.9"))
        let documented = try #require(IPAddress("192.0.2.1"))
        #expect(AddressPolicy.stranger.admits(global))
        #expect(!AddressPolicy.stranger.admits(local))
        #expect(!AddressPolicy.stranger.admits(loopback))
        #expect(AddressPolicy.named(by: global) == .stranger)
        #expect(AddressPolicy.named(by: local).admits(local))
        #expect(!AddressPolicy.named(by: local).admits(loopback))
        #expect(AddressPolicy.named(by: loopback).admits(loopback))
        #expect(AddressPolicy.named(by: loopback).admits(local))
        #expect(!AddressPolicy.named(by: loopback).admits(documented))
        #expect(AddressPolicy.user.admits(documented))
        #expect(!AddressPolicy.user.admits(try #require(IPAddress("255.255.255.255"))))
        #expect(!AddressPolicy.user.admits(try #require(IPAddress("::"))))
    }

    @Test("Strangers may not name ports of other services", arguments: [22, 25, 53, 6000, 6667, 10080, 0] as [UInt16])
    func ports(port: UInt16) throws {
        let global = try #require(IPAddress("9.9.9.9"))
        #expect(!AddressPolicy.stranger.admits(Endpoint(global, port: port)))
        #expect(AddressPolicy.user.admits(Endpoint(global, port: port)) == (port != 0))
        for port in [80, 443, 1024, 6881, 65535] as [UInt16] {
            #expect(AddressPolicy.stranger.admits(Endpoint(global, port: port)))
        }
    }
}

@Suite struct ServiceURLTests {
    @Test(
        "A URL is kept in parts and written back as it means",
        arguments: [
            ("http://tracker.example/announce", "http://tracker.example/announce"),
            ("HTTP://Tracker.Example:80/a?b=c#d", "http://tracker.example/a?b=c"),
            ("https://h:8443", "https://h:8443/"), ("udp://[2001:DB8::1]:6969", "udp://[2001:db8::1]:6969/"),
            ("http://h/a b\u{e9}", "http://h/a%20b%C3%A9"), ("http://h?x", "http://h/?x"),
            ("http://h:/x", "http://h/x"),
        ]
    )
    func parse(text: String, expected: String) throws {
        #expect(try #require(ServiceURL(text)).description == expected)
    }

    @Test(
        "What is no URL of a service is none",
        arguments: [
            "", "http", "http:", "http:/h", "http://", "ftp://h/", "http://user@h/", "http://user:pw@h/", "http://h:0/",
            "http://h:65536/", "http://h:8x/", "udp://h/announce", "http://[127.0.0.1]/", "http://[::1/", "http://a b/",
            "http://h\r\nX: y/", "http://h%0d/", "http://\u{e9}/", "http://h:80:90/",
        ]
    )
    func refuse(text: String) {
        #expect(ServiceURL(text) == nil)
    }

    @Test("No URL can end a line, whatever bytes it was made of")
    func noInjection() throws {
        let url = try #require(ServiceURL("http://h/a\r\nHost: evil\t\0?b\r\n"))
        #expect(url.target.utf8.allSatisfy { (0x21...0x7E).contains($0) })
        let added = url.adding(query: "k=v").with(path: "/x\n")
        #expect(added.description == "http://h/x%0A?b%0D%0A&k=v")
    }

    @Test(
        "RFC 3986 §5.2: a reference means what it means from here",
        arguments: [
            ("https://other/x", "https://other/x"), ("//other:81/x", "http://other:81/x"),
            ("/top?q", "http://h:8080/top?q"),
            ("next", "http://h:8080/a/next"), ("?q=2", "http://h:8080/a/b?q=2"), ("a:b", nil), ("", nil),
            ("gopher://h/", nil),
        ] as [(String, String?)]
    )
    func resolve(reference: String, expected: String?) throws {
        #expect(try #require(ServiceURL("http://h:8080/a/b?old")).resolving(reference)?.description == expected)
    }

    @Test("RFC 3986 §2: a URL is bytes: a question mark stays one, whatever accent follows it")
    func graphemes() throws {
        let url = try #require(ServiceURL("http://h/a\u{301}?\u{301}b"))
        #expect(url.path == "/a%CC%81" && url.query == "%CC%81b")
        #expect(ServiceURL(url.description) == url)
        #expect(url.resolving("/\u{301}?c")?.target == "/%CC%81?c")
        #expect(url.resolving("?\u{301}")?.target == "/a%CC%81?%CC%81")
    }

    @Test("Damaged URLs never trap")
    func hostile() {
        let sample = Array("https://user@tracker.example:8443/path/announce?key=1#x".utf8)
        let base = ServiceURL("http://h/x/y")
        for bytes in HostileInput.mutations(of: sample, count: 2000, seed: 5) {
            let text = String(decoding: bytes, as: UTF8.self)
            if let url = ServiceURL(text) {
                #expect(url.description.utf8.allSatisfy { (0x21...0x7E).contains($0) })
            }
            _ = base?.resolving(text)
        }
    }
}
