// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable import Kademlia

@Suite struct JoinTests {
    private static func entrance(_ number: Int) -> Endpoint {
        Endpoint(.v4(0x0800_0801 + UInt32(number) << 16), port: 6881)
    }

    /// The queries among the actions, as their addressees read them.
    private func queries(_ actions: [DHTNode.Action]) -> [(KRPCMessage, KRPCQuery, Endpoint)] {
        actions.compactMap { action in
            guard case .send(let bytes, let endpoint) = action, let message = try? KRPCMessage(parsing: bytes),
                case .query(let query) = message.body
            else { return nil }
            return (message, query, endpoint)
        }
    }

    @Test("BEP 42: an id taken while the first neighbourhood is searched has its own neighbourhood searched after it")
    func identityChange() {
        var node = DHTNode(seed: Array(repeating: 7, count: 32), now: .zero)
        let first = node.id
        var generator = SecretGenerator(seed: [1])
        var now = Instant.milliseconds(10)
        var targets: [NodeID] = []
        var actions = node.join(through: (0..<12).map { Self.entrance($0) }, now: now)
        for _ in 0..<400 {
            var next: [DHTNode.Action] = []
            for (message, query, endpoint) in queries(actions) {
                if case .findNode(let target) = query.method { targets.append(target) }
                // One entrance never answers, so that the search lasts.
                guard endpoint != Self.entrance(0) else { continue }
                let sender = NodeID.secured(for: endpoint.address, using: &generator)
                var answer = KRPCMessage(
                    transaction: message.transaction,
                    body: .response(KRPCResponse(sender: sender))
                )
                answer.observedEndpoint = Endpoint(.v4(0x0901_0101), port: 6881)
                next += node.receive(answer.encoded, from: endpoint, now: now)
            }
            now += .milliseconds(20)
            actions = next + node.tick(now: now)
        }
        #expect(node.id != first && node.nodeCount >= 8)
        #expect(targets.contains(node.id), "nobody near the new id would ever hear of this node")
    }

    @Test(
        "BEP 5: a node that a peer names is asked whether it is there, once a minute; its answer is the way in where nobody was known"
    )
    func named() throws {
        let bench = NodeBench()
        func named() -> [KRPCMessage] { bench.perform(bench.node.meet(NodeBench.stranger, now: bench.now)) }
        let ping = try #require(named().first)
        guard case .query(let query) = ping.body, case .ping = query.method else { throw NoPing() }
        #expect(named().isEmpty)
        let answer = KRPCMessage(
            transaction: ping.transaction,
            body: .response(KRPCResponse(sender: NodeBench.strangerID))
        )
        bench.perform(bench.node.receive(answer.encoded, from: NodeBench.stranger, now: bench.now))
        #expect(bench.node.nodeCount == 1)
        bench.now += .seconds(2)
        let asked = queries(bench.node.tick(now: bench.now)).filter { $0.2 == NodeBench.stranger }
        let own = bench.node.id
        #expect(asked.contains { if case .findNode(own) = $0.1.method { true } else { false } })
        bench.now += .seconds(60)
        #expect(named().count == 1)
        for address: Endpoint in [Endpoint(.v4(0), port: 6881), Endpoint(.v4(0x0808_0808), port: 0)] {
            #expect(bench.node.meet(address, now: bench.now).isEmpty)
        }
    }

    private struct NoPing: Error {}

    @Test("An address named under a far id is still asked when it is named under a close one")
    func oldIdentity() throws {
        let target = NodeID.zero
        let endpoint = Self.entrance(1)
        let asker = Contact(
            id: try #require(NodeID(hex: "40" + String(repeating: "00", count: 19))),
            endpoint: Self.entrance(2)
        )
        let far = Contact(id: try #require(NodeID(hex: "ff" + String(repeating: "00", count: 19))), endpoint: endpoint)
        let close = Contact(
            id: try #require(NodeID(hex: "01" + String(repeating: "00", count: 19))),
            endpoint: endpoint
        )
        var lookup = Lookup(target: target, family: .v4, width: 8, parallelism: 1, from: [asker, far])
        lookup.asked(asker.endpoint)
        lookup.answered(asker, with: [close], hasToken: false, except: NodeID.zero)
        #expect(lookup.next()?.contact == close)
        // Never the other way round: a far id does not take the place of a close one.
        lookup = Lookup(target: target, family: .v4, width: 8, parallelism: 1, from: [asker, close])
        lookup.asked(asker.endpoint)
        lookup.answered(asker, with: [far], hasToken: false, except: NodeID.zero)
        #expect(lookup.next()?.contact == close)
    }
}
