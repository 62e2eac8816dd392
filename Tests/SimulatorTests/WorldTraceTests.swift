// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable import Simulator

/// "The same run on every machine", pinned: events, randomness, distances, lines, routers, streams and faults of a world whose
/// programs are as simple as can be.
///
/// No trace of a scenario is pinned: each changes with every machine of the product that does anything otherwise, so the constant
/// would be renewed without a look. What could differ between computers with the machines in it is looked for by `make sim`
/// with `ROOST_SIM_OTHER`, which compares every scenario with a program of another build or from another computer.
@Suite struct WorldTraceTests {
    /// Says something to others now and then, and answers some of what it hears.
    private final class Chatter: StreamProgram {
        let host: Host
        private var random: RandomStream
        private var streams: [StreamEnd] = []

        init(_ host: Host) {
            self.host = host
            random = host.world.stream("chatter", host.index)
            host.switchOn(self)
            host.wake(at: host.now + random.time(below: .seconds(1)))
        }

        func receive(_ datagram: [UInt8], from source: Endpoint) {
            if random.below(3) == 0 { host.send(datagram.reversed(), to: source) }
        }

        func wake() {
            host.wake(at: host.now + .milliseconds(100) + random.time(below: .seconds(2)))
            guard let other = random.element(of: host.world.hosts) else { return }
            host.send(random.bytes(1 + random.below(1400)), to: other.endpoint)
            guard random.below(4) == 0 else { return }
            let bytes = random.bytes(random.below(40_000))
            host.world.connect(host, to: other.endpoint) { [weak self] stream in
                stream?.write(bytes)
                if let self, let stream { streams.append(stream) }
            }
        }

        func accepted(_ stream: StreamEnd) {
            streams.append(stream)
            stream.onReceive = { [weak stream] bytes in stream?.write(Array(bytes.prefix(100))) }
        }
    }

    @Test("the world's own run is the same on every machine")
    func pinned() {
        var options = ScenarioOptions(origin: .now)
        options.seed = 5
        let world = World(seed: options.seed)
        let kinds: [AddressTranslation] = [.none, .none, .open, .cone, .symmetric, .none]
        var chatters = kinds.indices.map { number in
            let host = world.addHost()
            host.translation = kinds[number]
            return Chatter(host)
        }
        var bounds = FaultPlan.Bounds(hosts: 0..<kinds.count, count: 12, from: .seconds(2), until: .seconds(60))
        bounds.wallClocks = 0..<kinds.count
        FaultPlan(options, bounds).plan(in: world) { fault in
            guard case .powerFailure(let length) = fault.kind, world.hosts[fault.host].isOn else { return }
            world.hosts[fault.host].switchOff()
            world.plan(after: length) {
                world.move(world.hosts[fault.host])
                chatters[fault.host] = Chatter(world.hosts[fault.host])
            }
        }
        world.run(until: VirtualTime(.seconds(120)))
        world.end()
        #expect(world.eventCount > 500)
        let renew: Comment = """
            The simulated world does something otherwise, or this computer does. If the world was changed on purpose, put the digest \
            above into the test; if not, every seed that is written down anywhere has come to mean another run.
            """
        #expect(world.digest == "65b4f05f40162d7ff9aacaf076f1131a28e761422288ab16e0b2179738e53ef0", renew)
    }
}
