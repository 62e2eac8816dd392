// SPDX-License-Identifier: Apache-2.0
import Keys
import Testing
import Wire

@testable import Node

@Suite struct ExposureTests {
    private static let outside = Endpoint("192.0.2.1:7000")
    private static let site = Hash.sha256([1])

    @Test("What is announced is a swarm that shows the address, whether a torrent is open or not")
    func announced() throws {
        var exposure = Exposure(isInDHT: true, addresses: [try #require(Self.outside)])
        #expect(exposure.text == "in no swarm now; nodes of the DHT see your address")
        exposure.sites = [Self.site]
        #expect(exposure.text == "visible to anyone in this swarm: your address")
        exposure.trees = [Self.site.truncated]
        #expect(exposure.text == "visible to anyone in these 2 swarms: your address")
    }

    @Test("Nothing is claimed of a DHT that no node answers in, and nothing of a node that only this machine reaches")
    func alone() throws {
        #expect(Exposure(addresses: [try #require(Self.outside)]).text == "in no swarm now, and in no DHT")
        let here = try #require(Endpoint("127.0.0.1:7000"))
        #expect(Exposure(sites: [Self.site], addresses: [here]).text == "visible to nobody outside this machine")
    }
}
