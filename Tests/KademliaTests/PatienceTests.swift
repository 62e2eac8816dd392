// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable import Kademlia

@Suite("How long a search waits for whom") struct PatienceTests {
    /// A node that knows one other, and has asked it.
    private static func asking(_ configure: (inout DHTConfiguration) -> Void = { _ in }) -> NodeBench {
        let bench = NodeBench(configure)
        let other = Contact(id: NodeBench.strangerID, endpoint: NodeBench.stranger)
        _ = bench.node.tables[0].answered(other, now: bench.now)
        bench.perform(bench.node.start(.findNode(bench.randomID()), id: 1, now: bench.now))
        return bench
    }

    @Test("Who answers in our own name holds up no search: that is as good as silence")
    func ownName() {
        let bench = Self.asking()
        bench.answerAll { _, _ in
        } id: { _ in
            bench.node.id
        }
        bench.run(for: .seconds(2))
        #expect(bench.outcomes.count == 1)
        #expect(bench.node.nodeCount == 1, "and nobody is known for it")
    }

    @Test("A silent node holds up a search for a second at most, and longer only where the configuration says so")
    func least() {
        let usual = Self.asking()
        usual.run(for: .seconds(1))
        #expect(usual.outcomes.count == 1)
        let patient = Self.asking { $0.leastPatience = .seconds(20) }
        patient.run(for: .seconds(19))
        #expect(patient.outcomes.isEmpty)
        patient.answerAll { _, _ in
        } id: { _ in
            NodeBench.strangerID
        }
        guard case .nodes(let report)? = patient.outcomes.first else {
            Issue.record("an answer that came in time did not end the search")
            return
        }
        #expect(report.closest.map(\.id) == [NodeBench.strangerID])
        let vain = Self.asking { $0.leastPatience = .seconds(20) }
        vain.run(for: .seconds(20))
        #expect(vain.outcomes.count == 1)
    }
}
