// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOPosix
import Testing
import Transport
import Wire

@Suite("Local service discovery without a network")
struct LocalDiscoveryServiceTests {
    @Test("BEP 14: who listens on loopback alone announces nothing anywhere, and that is no error")
    func loopback() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let service = LocalDiscoveryService(listen: Endpoint(.v4(0x7F00_0001), port: 1), loop: loop) { _, _ in
            Issue.record("heard somebody")
        }
        service.start()
        service.announce(.zero)
        #expect(await service.interfaceCount() == 0)
        service.withdraw(.zero)
        await service.shutdown()
    }
}
