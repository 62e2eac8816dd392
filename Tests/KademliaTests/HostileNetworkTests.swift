// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Kademlia

/// What a node costs others, and itself, when it is lied to and flooded.
@Suite struct HostileNetworkTests {
    private func item() throws -> MutableItem {
        let key = try #require(SigningKey(seed: Array(repeating: 3, count: 32)))
        return try MutableItem.signed(value: Array("900:".utf8) + Array(repeating: 7, count: 900), sequence: 1, by: key)
    }

    /// A node whose table is full and that holds the largest of everything.
    private func richBench(_ infoHash: Digest160, _ item: MutableItem) throws -> NodeBench {
        let bench = NodeBench()
        for index in 0..<200 as Range<UInt32> {
            let contact = Contact(id: bench.randomID(), endpoint: Endpoint(.v4(0x0B00_0001 + index << 8), port: 6881))
            _ = bench.node.tables[0].answered(contact, now: bench.now)
        }
        for index in 0..<200 as Range<UInt32> {
            let peer = Endpoint(.v4(0x0C00_0001 + index), port: 6881)
            bench.node.peers.announce(peer, isSeed: index % 2 == 0, for: infoHash, now: bench.now)
        }
        try bench.node.keep(item, expecting: nil, now: bench.now)
        return bench
    }

    private func query(_ method: KRPCQuery.Method) -> [UInt8] {
        let query = KRPCQuery(sender: NodeBench.strangerID, method: method)
        return KRPCMessage(transaction: [1, 2], body: .query(query)).encoded
    }

    @Test(
        "One question from an address that has proven nothing: no answer but an item's, a filter's or a sample's exceeds 512 bytes"
    )
    func singleAnswers() throws {
        let infoHash = try #require(NodeID(Array(repeating: 0xC3, count: 20)))
        let item = try item()
        let methods: [(KRPCQuery.Method, ratio: Double)] = [
            (.ping, 1.4), (.findNode(target: infoHash), 3.4), (.getPeers(infoHash: infoHash), 5.6),
            (.get(target: infoHash, sequence: nil), 3.8), (.get(target: item.target, sequence: nil), 16),
            (.scrape(infoHash: infoHash), 9), (.sampleInfohashes(target: infoHash), 4),
        ]
        for (method, ratio) in methods {
            let bench = try richBench(infoHash, item)
            let question = query(method)
            _ = bench.ask(question)
            let answer = bench.sent.first { $0.to == NodeBench.stranger }?.bytes.count ?? 0
            let measured = Double(answer) / Double(question.count)
            #expect(measured > 0 && measured <= ratio, "\(method): \(answer) bytes for \(question.count)")
        }
    }

    @Test(
        "A flood under a forged address brings its owner less than was sent, whatever is asked: 20,000 questions in ten seconds"
    )
    func flood() throws {
        let infoHash = try #require(NodeID(Array(repeating: 0xC3, count: 20)))
        let item = try item()
        for method in [KRPCQuery.Method.get(target: item.target, sequence: nil), .scrape(infoHash: infoHash)] {
            let bench = try richBench(infoHash, item)
            let question = query(method)
            var batch = DatagramBatch()
            var answered = 0
            for _ in 0..<20_000 {
                bench.now += .microseconds(500)
                if bench.node.answer(question.span, from: NodeBench.stranger, now: bench.now, into: &batch) == nil {
                    bench.sent = []
                    _ = bench.ask(question)
                    answered += bench.sent.reduce(0) { $0 + $1.bytes.count }
                }
                answered += batch.bytes.count
                batch.removeAll()
            }
            #expect(Double(answered) < 0.25 * Double(question.count * 20_000), "\(answered) bytes")
        }
    }

    @Test(
        "A node that names a hundred invented neighbours in every answer neither hides the item nor holds up the search"
    )
    func poisonedLists() throws {
        let item = try item()
        let bench = NodeBench()
        let honest = (1...12).map { Endpoint(.v4(0x0B00_0001 + UInt32($0) << 8), port: 6881) }
        let liar = Endpoint(.v4(0x0D00_0001), port: 6881)
        var ids: [Endpoint: NodeID] = [:]
        for endpoint in honest + [liar] { ids[endpoint] = bench.randomID() }
        // The liar stands close to the target, and what it invents closer.
        ids[liar] = item.target.neighbour(sharing: 20, using: &bench.node.generator)
        let invented = (0..<100 as Range<UInt32>).map { number in
            let near = item.target.neighbour(sharing: 24 + Int(number) % 40, using: &bench.node.generator)
            return Contact(id: near, endpoint: Endpoint(.v4(0x1500_0001 + number << 8), port: 6881))
        }
        for endpoint in honest + [liar] {
            _ = bench.node.tables[0].answered(Contact(id: ids[endpoint] ?? .zero, endpoint: endpoint), now: bench.now)
        }
        bench.perform(bench.node.start(.getMutable(key: item.key, salt: []), id: 1, now: bench.now))
        let begun = bench.now
        var asked = 0
        while bench.outcomes.isEmpty, bench.now - begun < .seconds(20) {
            asked += bench.sent.count
            let open = bench.sent
            bench.sent = open.filter { ids[$0.to] != nil }
            bench.answerAll { _, response in
                if response.sender == ids[liar] {
                    response.nodes = invented
                } else {
                    response.nodes = honest.prefix(8).map { Contact(id: ids[$0] ?? .zero, endpoint: $0) }
                    response.sequence = item.sequence
                    response.value = item.value
                    response.key = item.key
                    response.signature = item.signature
                }
                response.token = [1]
            } id: {
                ids[$0] ?? .zero
            }
            bench.run(for: .milliseconds(20))
        }
        guard case .mutable(let report, let lookup)? = bench.outcomes.first else {
            Issue.record("the search did not end")
            return
        }
        #expect(report.item == item)
        #expect(lookup.queries <= Lookup.maximumQueries)
        #expect(asked <= 40, "\(asked) queries")
        #expect(bench.now - begun <= .seconds(4), "\(bench.now - begun)")
        #expect(bench.node.table(.v4).count <= honest.count + 1, "what did not answer is in no table")
    }

    @Test("Our own queries keep to their budget, and to each address's")
    func budget() {
        let bench = NodeBench {
            $0.outgoingQueries = 20
            $0.outgoingBurst = 40
        }
        for index in 0..<300 as Range<UInt32> {
            let contact = Contact(id: bench.randomID(), endpoint: Endpoint(.v4(0x0B00_0001 + index << 8), port: 6881))
            _ = bench.node.tables[0].answered(contact, now: bench.now)
        }
        for number in 0..<50 as Range<UInt64> {
            bench.perform(bench.node.start(.findNode(bench.randomID()), id: number, now: bench.now))
        }
        #expect(bench.sent.count == 40)
        bench.run(for: .seconds(5))
        #expect(bench.sent.count <= 40 + 5 * 20 + 1)
        #expect(bench.sent.count >= 100, "it goes on as permits come")
    }
}
