// SPDX-License-Identifier: Apache-2.0
import Node
import Testing
import Wire

@Suite struct GatewayNamesTests {
    static let site = Digest256((0..<32).map { UInt8($0) }) ?? .zero

    @Test("a site's origin is its id in base32, 52 characters, and reads back")
    func roundTrip() throws {
        let names = GatewayNames(port: 8420)
        let url = names.url(of: Self.site, path: ["ä b", "index.html"])
        #expect(
            url == "http://aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq.localhost:8420/%C3%A4%20b/index.html"
        )
        let parsed = try #require(GatewayNames.parse(url))
        #expect(parsed.site == Self.site && parsed.selector == .newest && parsed.path == ["ä b", "index.html"])
    }

    @Test("an older release has an origin of its own")
    func release() throws {
        let url = GatewayNames(port: 80).url(of: Self.site, sequence: 7)
        let parsed = try #require(GatewayNames.parse(url + "?q=1#frag"))
        #expect(parsed.selector == .sequence(7) && parsed.path.isEmpty)
    }

    @Test(
        "what is no address of a site is none",
        arguments: [
            "http://localhost:8420/", "http://aaaa.localhost/", "https://example.org/", "http://v-aaaa.localhost/",
            "http://aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq.example.org/",
            "http://aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq.localhost/%2e%2e/x",
            "http://aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq.localhost/%00",
            "http://aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq.localhost/%ff",
            "http://aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq.localhost/%2", "",
        ]
    )
    func refused(url: String) {
        #expect(GatewayNames.parse(url) == nil)
    }
}
