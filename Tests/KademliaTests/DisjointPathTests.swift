// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Testing
internal import Wire

@testable internal import Kademlia

@Suite struct DisjointPathTests {
    private func bench(_ paths: Int) -> (NodeBench, [Endpoint: NodeID]) {
        let bench = NodeBench { $0.disjointPaths = paths }
        var ids: [Endpoint: NodeID] = [:]
        for number in 0..<40 as Range<UInt32> {
            let endpoint = Endpoint(.v4(0x0B00_0001 + number << 8), port: 6881)
            ids[endpoint] = .secured(for: endpoint.address, using: &bench.node.generator)
            let contact = Contact(id: ids[endpoint] ?? .zero, endpoint: endpoint)
            _ = bench.node.tables[0].answered(contact, now: bench.now)
        }
        return (bench, ids)
    }

    /// Everybody asked answers with all the others; returns who was asked.
    private func run(_ bench: NodeBench, _ ids: [Endpoint: NodeID], _ command: DHTCommand) -> [Endpoint] {
        var asked: [Endpoint] = []
        bench.perform(bench.node.start(command, id: 1, now: bench.now))
        for _ in 0..<200 where bench.outcomes.isEmpty {
            asked += bench.sent.map { $0.to }
            let near = ids.map { Contact(id: $0.value, endpoint: $0.key) }
            bench.answerAll { _, response in
                response.nodes = Array(near.sorted { $0.id < $1.id }.prefix(8))
                response.token = [1]
            } id: {
                ids[$0] ?? .zero
            }
        }
        return asked
    }

    @Test("A search for a value asks nobody twice, and ends with the closest of all its ways", arguments: [1, 3, 8])
    func disjoint(paths: Int) throws {
        let (bench, ids) = bench(paths)
        let target = NodeID.zero
        let asked = run(bench, ids, .getImmutable(target))
        #expect(Set(asked).count == asked.count)
        guard case .immutable(_, _, let report)? = bench.outcomes.first else {
            Issue.record("the search did not end")
            return
        }
        let closest = ids.sorted { $0.value ^ target < $1.value ^ target }.prefix(8).map { $0.key }
        #expect(report.closest.prefix(8).map { $0.endpoint } == closest)
    }

    @Test("A put goes to the k closest nodes of all ways together")
    func put() throws {
        let (bench, ids) = bench(3)
        let item = try ImmutableItem(value: Array("4:here".utf8))
        _ = run(bench, ids, .publish(.immutable(item)))
        guard case .stored(let report, _)? = bench.outcomes.first else {
            Issue.record("the put did not end")
            return
        }
        #expect(report.stored >= 8 && report.stored <= 12)
    }

    @Test("Looking for nodes only, and for one's own neighbourhood, goes one way")
    func others() {
        for goal in [Operation.Goal.findNode, .scrape, .sampleInfohashes] { #expect(!goal.isOfValues) }
        for goal in [Operation.Goal.getPeers, .getImmutable] { #expect(goal.isOfValues) }
    }
}
