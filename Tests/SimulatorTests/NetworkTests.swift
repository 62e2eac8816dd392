// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable import Simulator

/// Routers decide when a datagram comes, not when it is sent (RFC 4787 §5).
@Suite struct NetworkTests {
    private final class Listener: Program {
        private(set) var sources: [Endpoint] = []

        func receive(_ datagram: [UInt8], from source: Endpoint) { sources.append(source) }
        func wake() {}
    }

    /// How many datagrams each of two gets who write to each other's own port at one moment, and again a second later.
    private func heard(_ first: AddressTranslation, _ second: AddressTranslation) -> [Int] {
        let world = World(seed: 1)
        let hosts = [first, second].map { kind in
            let host = world.addHost()
            host.translation = kind
            (host.line.lossPerMillion, host.line.duplicatesPerMillion) = (0, 0)
            return host
        }
        let listeners = hosts.map { host in
            let listener = Listener()
            host.switchOn(listener)
            return listener
        }
        for second in 0..<2 {
            world.plan(after: .seconds(second)) {
                hosts[0].send([1], to: hosts[1].endpoint)
                hosts[1].send([2], to: hosts[0].endpoint)
            }
        }
        world.run(until: VirtualTime(.seconds(5)))
        return listeners.map { $0.sources.count }
    }

    @Test(
        "two behind cones who write to each other at once are through at once; where one is symmetric neither is, ever"
    )
    func simultaneousOpening() {
        #expect(heard(.cone, .cone) == [2, 2])
        #expect(heard(.symmetric, .symmetric) == [0, 0])
        #expect(heard(.cone, .symmetric) == [0, 0])
        #expect(heard(.open, .cone) == [2, 2])
    }

    @Test("who writes to a cone unasked is not heard, and whoever has no router is")
    func unasked() {
        let world = World(seed: 2)
        let (host, stranger) = (world.addHost(), world.addHost())
        host.translation = .cone
        (host.line.lossPerMillion, stranger.line.lossPerMillion) = (0, 0)
        let (listener, other) = (Listener(), Listener())
        host.switchOn(listener)
        stranger.switchOn(other)
        stranger.send([1], to: host.endpoint)
        world.run(until: VirtualTime(.seconds(1)))
        #expect(listener.sources.isEmpty)
        host.send([2], to: stranger.endpoint)
        world.run(until: VirtualTime(.seconds(2)))
        #expect(other.sources == [host.endpoint])
        world.run(until: VirtualTime(.seconds(125)))
        // RFC 4787 §4.3: a way that nobody used for two minutes is closed.
        stranger.send([3], to: host.endpoint)
        world.run(until: VirtualTime(.seconds(130)))
        #expect(listener.sources.isEmpty)
    }
}
