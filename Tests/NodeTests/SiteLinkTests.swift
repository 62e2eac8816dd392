// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Keys
import Swarm
import Testing
import Transport
import Wire

@testable import Node

@Suite struct SiteLinkTests {
    static let key = PublicKey(hex: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    static let id = "21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9"

    @Test("S4-61: betanet://<hex SHA-256 of the site key>[/path] names a site and what is in it")
    func betanet() throws {
        let site = try #require(Self.key).identifier
        #expect(site.hex == Self.id)
        let plain = try SiteLink(parsing: "betanet://\(Self.id)")
        #expect(plain.address == .site(site) && plain.selector == .newest && plain.path.isEmpty)
        let page = try SiteLink(parsing: "betanet://\(Self.id)/a%20b/%C3%A4.html")
        #expect(page.address == .site(site) && page.path == ["a b", "ä.html"])
        #expect(try SiteLink(parsing: "betanet://\(Self.id.uppercased())/") == plain)
        #expect(try SiteLink(parsing: Self.id) == plain)
    }

    @Test("digits after @ are a sequence number, all else is a label")
    func releases() throws {
        #expect(try SiteLink(parsing: "betanet://\(Self.id)@7/x").selector == .sequence(7))
        #expect(try SiteLink(parsing: "betanet://\(Self.id)@1.2.3/x").selector == .label("1.2.3"))
        #expect(try SiteLink(parsing: "betanet://\(Self.id)@1.2.3/x").path == ["x"])
    }

    @Test("S2-08: a magnet link names a publisher's key, with and without salt (BEP 46)")
    func magnet() throws {
        let key = try #require(Self.key)
        let plain = try SiteLink(parsing: "magnet:?xs=urn:btpk:\(key.hex)")
        let salted = try SiteLink(parsing: "magnet:?xs=urn:btpk:\(key.hex)&s=6e")
        #expect(plain.address == .key(key, salt: []))
        #expect(salted.address == .key(key, salt: [0x6E]))
    }

    @Test("a magnet link's trackers and web seeds are followed as a stranger's word, unless the user allows more")
    func sources() throws {
        let magnet = "magnet:?xt=urn:btih:" + String(repeating: "a", count: 40)
        let link = try SiteLink(
            parsing: magnet + "&tr=http%3A%2F%2Ft%2Fa&tr=ws%3A%2F%2Ft&ws=http%3A%2F%2Fw%2F&ws=udp%3A%2F%2Fw:1"
        )
        #expect(link.sources.tiers(.stranger).map { $0.map(\.url.description) } == [["http://t/a"]])
        #expect(link.sources.seeds(.stranger).map(\.url.description) == ["http://w/"])
        #expect(link.sources.seeds(.user).allSatisfy { $0.policy == .user })
        let hints = LinkHints()
        hints.add(link)
        #expect(hints.known(link.address.id).sources == link.sources)
        var configuration = NodeConfiguration()
        #expect(configuration.sourcePolicy == .stranger)
        configuration.allowLocalSources = true
        #expect(configuration.sourcePolicy == .user)
    }

    @Test(
        "what is no link is refused as such",
        arguments: [
            "", "betanet://", "betanet:///x", "betanet://abcd", "betanet://\(id)0", "betanet://\(id)@/x",
            "betanet://\(id)/%2e%2e/x", "betanet://\(id)/%00", "betanet://\(id.dropLast())g", "magnet:?xs=urn:btpk:12",
            "magnet:?", "file:///etc/passwd", "javascript:alert(1)",
        ]
    )
    func refused(text: String) {
        #expect(throws: NodeError.self) { try SiteLink(parsing: text) }
    }
}
