// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable import Simulator

@Suite struct HostTests {
    private final class Sleeper: Program {
        let host: Host
        var wakes: [VirtualTime] = []

        init(_ host: Host) {
            self.host = host
        }

        func receive(_ datagram: [UInt8], from source: Endpoint) {}
        func wake() { wakes.append(host.world.now) }
    }

    private let world = World(seed: 1)

    @Test(
        "a host that is switched on while it is on is woken when its new program wants it, not by what the old one planned"
    )
    func switchedOnTwice() {
        let host = world.addHost()
        let (old, new) = (Sleeper(host), Sleeper(host))
        host.switchOn(old)
        host.wake(at: host.now + .seconds(10))
        #expect(host.hasWake)
        world.plan(after: .seconds(5)) {
            host.switchOn(new)
            #expect(!host.hasWake)
            // Not earlier than what the old one wanted: that event stands in the queue, and is nobody's any more.
            host.wake(at: host.now + .seconds(10))
            #expect(host.hasWake)
        }
        world.run(until: VirtualTime(.seconds(60)))
        #expect(old.wakes.isEmpty && new.wakes == [VirtualTime(.seconds(15))])
        #expect(!host.hasWake)
    }

    @Test("a wake that is put off comes once, at the later time, and is planned all the while")
    func putOff() {
        let host = world.addHost()
        let program = Sleeper(host)
        host.switchOn(program)
        host.wake(at: host.now + .seconds(10))
        host.wake(at: host.now + .seconds(30))
        for second in 1..<30 { world.plan(after: .seconds(second)) { #expect(host.hasWake) } }
        world.run(until: VirtualTime(.seconds(60)))
        #expect(program.wakes == [VirtualTime(.seconds(30))])
    }

    @Test("a run has one violation, the first")
    func violations() {
        world.violate(.timerIsSet, "first")
        world.violate(.neverLower, "second")
        #expect(world.violations.map { $0.detail } == ["first"])
    }
}
