// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Transport

@Suite("UPnP")
struct UPnPClientTests {
    @Test("miniupnpc is not used where a descriptor may be one that select(2) cannot wait for")
    func descriptors() {
        #expect(UPnPClient.isSafe(next: 1000, limit: 1024))
        #expect(UPnPClient.isSafe(next: 200, limit: 65_536))
        #expect(!UPnPClient.isSafe(next: 1000, limit: 65_536))
        #expect(!UPnPClient.isSafe(next: 5000, limit: .max))
    }
}
