// SPDX-License-Identifier: Apache-2.0
internal import Testing
internal import Wire

@testable internal import Node

@Suite struct LocalPeersTests {
    @Test(
        "BEP 14: a neighbour is believed at its own address, but leads nobody to a port on which something else listens"
    )
    func filter() throws {
        for good in ["10.0.0.9:6881", "192.168.1.4:51413", "[fd00::9]:6881", "8.8.8.8:6881", "127.0.0.1:6881"] {
            #expect(LocalPeers.believes(try #require(Endpoint(good))), "\(good)")
        }
        let bad = [
            "10.0.0.9:22", "10.0.0.9:0", "192.168.1.4:2049", "[fd00::9]:25", "8.8.8.8:53", "127.0.0.1:631",
            "224.0.0.1:6881", "0.0.0.0:6881", "[ff02::1]:6881", "[::]:6881", "[::ffff:10.0.0.9]:6881",
        ]
        for bad in bad { #expect(!LocalPeers.believes(try #require(Endpoint(bad))), "\(bad)") }
    }
}
