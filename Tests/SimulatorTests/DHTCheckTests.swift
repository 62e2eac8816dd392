// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable import Kademlia
@testable import Simulator

/// What ``DHTProgram`` looks at in every scenario.
@Suite struct DHTCheckTests {
    private let world = World(seed: 1)

    /// A driver that forgets to wake its machine.
    private final class Forgetful: Program {
        let inner: DHTProgram

        init(_ inner: DHTProgram) {
            self.inner = inner
        }

        func receive(_ datagram: [UInt8], from source: Endpoint) {}
        func wake() {}
    }

    private func add(_ wrap: (DHTProgram) -> any Program = { $0 }) -> DHTProgram {
        var random = world.stream("node", world.hosts.count)
        let host = world.addHost()
        let program = DHTProgram(on: host, configuration: DHTConfiguration(of: host), seed: &random)
        let others = world.hosts.filter { $0 !== host }.map { $0.endpoint }
        host.switchOn(wrap(program))
        program.open(through: others, areRouters: false)
        return program
    }

    @Test("a command that does not end in its time is a violation, in every scenario; one whose host went is none")
    func hangingCommand() {
        _ = add()
        let (program, gone) = (add { Forgetful($0) }, add { Forgetful($0) })
        gone.start(.getPeers(.zero))
        gone.host.switchOff()
        world.run(until: VirtualTime(.seconds(20)))
        #expect(world.violations.isEmpty)
        program.start(.findNode(.zero))
        world.run(until: VirtualTime(.seconds(60)))
        #expect(world.violations.first?.invariant == .commandEnds && world.violations.first?.detail == "find_node")
        #expect(world.violations.first?.time == VirtualTime(.seconds(35)))
    }

    @Test("a node whose timer was lost is a violation with the next thing that happens to it")
    func lostTimer() {
        let (node, other) = (add(), add())
        world.run(until: VirtualTime(.seconds(10)))
        #expect(world.violations.isEmpty && node.host.hasWake)
        // The machine believes that its wake is planned; the host has started anew since.
        node.host.switchOn(node)
        other.host.send([0], to: node.host.endpoint)
        world.run(until: VirtualTime(.seconds(12)))
        #expect(world.violations.first?.invariant == .timerIsSet)
        #expect(world.violations.first?.host == node.host.index)
    }

    @Test("a store above its bound is the node's overload, and what traitors and whole nodes carry is looked at too")
    func overload() {
        let program = add()
        #expect(program.node.overload == nil && program.node.loads.count == 4)
        #expect(program.node.loads.allSatisfy { $0.used <= $0.bound })
        let traitor = TraitorProgram(program) { _ in nil }
        program.host.switchOn(traitor)
        traitor.touched()
        #expect(world.violations.first?.invariant == .timerIsSet)
    }

    @Test(
        "S3-007, issue 4 acceptance: in a network of a hundred nodes and more 1 % of lookups may fail, and hops are log2(N) + 3 at most"
    )
    func bounds() {
        func shortfall(_ good: Int, _ all: Int, hops: Int, nodes: Int = 10_000) -> Invariant? {
            var counts = DHTMeasure.Counts()
            (counts.lookups, counts.hops) = (Share(good: good, all: all), hops)
            return DHTChurn.shortfall(counts, nodes: nodes)?.0
        }
        #expect(shortfall(990, 1000, hops: 16) == nil)
        #expect(shortfall(989, 1000, hops: 5) == .lookupsSucceed)
        #expect(shortfall(0, 0, hops: 0) == .lookupsSucceed)
        #expect(shortfall(1000, 1000, hops: 17) == .hopsAreFew)
        #expect(shortfall(1000, 1000, hops: 10, nodes: 100) == .hopsAreFew)
        #expect(shortfall(0, 100, hops: 99, nodes: 99) == nil)
    }
}
