// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Kademlia

/// The quick way to an answer must never differ from the other.
@Suite struct PlainAnswerTests {
    private func bench() -> NodeBench {
        NodeBench(id: NodeID(Array(repeating: 0x5A, count: 20))) { $0.families = [.v4, .v6] }
    }

    /// Two nodes that know the same.
    private func pair(_ random: inout SplitMix64, nodes: Int) throws -> (NodeBench, NodeBench, [NodeID]) {
        let pair = (bench(), bench())
        var targets: [NodeID] = [.random(using: &random)]
        for index in 0..<nodes {
            let id = NodeID.random(using: &random)
            let v4 = Endpoint(.v4(0x0A01_0000 + UInt32(index)), port: 6881)
            let v6 = Endpoint(.v6(high: 0xFD00_0000_0000_0000, low: UInt64(index + 1)), port: 6882)
            for bench in [pair.0, pair.1] {
                _ = bench.node.tables[0].answered(Contact(id: id, endpoint: v4), now: bench.now)
                if index % 3 == 0 { _ = bench.node.tables[1].answered(Contact(id: id, endpoint: v6), now: bench.now) }
                if index % 5 == 0 { bench.node.tables[0].failed(Contact(id: id, endpoint: v4), now: bench.now) }
                if index % 10 == 0 { bench.node.tables[0].failed(Contact(id: id, endpoint: v4), now: bench.now) }
            }
        }
        let key = try #require(SigningKey(seed: Array(repeating: 7, count: 32)))
        let mutable = try MutableItem.signed(value: Array("5:hello".utf8), sequence: 42, by: key)
        let immutable = try ImmutableItem(value: Array("3:abc".utf8))
        let torrent = NodeID.random(using: &random)
        for bench in [pair.0, pair.1] {
            try bench.node.keep(mutable, expecting: nil, now: bench.now)
            bench.node.items.put(immutable, near: bench.node.id, now: bench.now)
            for port in 1...UInt16(100) {
                bench.node.peers.announce(Endpoint(.v4(0x0A05_0505), port: port), for: torrent, now: bench.now)
            }
        }
        targets += [mutable.target, immutable.target, torrent]
        return (pair.0, pair.1, targets)
    }

    private func query(_ targets: [NodeID], _ random: inout SplitMix64) -> [UInt8] {
        let target = targets.randomElement(using: &random) ?? .zero
        let methods: [KRPCQuery.Method] = [
            .ping, .findNode(target: target), .getPeers(infoHash: target), .get(target: target, sequence: nil),
            .get(target: target, sequence: Int64.random(in: 40...44, using: &random)), .scrape(infoHash: target),
            .sampleInfohashes(target: target),
        ]
        var query = KRPCQuery(sender: .random(using: &random), method: methods.randomElement(using: &random) ?? .ping)
        query.want = [[], [.v4], [.v6], [.v4, .v6]].randomElement(using: &random) ?? []
        let transaction = random.bytes(Int.random(in: 1...8, using: &random))
        var message = KRPCMessage(transaction: transaction, body: .query(query))
        message.isReadOnly = Bool.random(using: &random)
        message.version = [nil, [1, 2, 3, 4]].randomElement(using: &random) ?? nil
        return message.encoded
    }

    /// What a node sends in answer to a datagram, the quick way where it can.
    private func quickly(
        _ bench: NodeBench,
        _ datagram: [UInt8],
        _ source: Endpoint
    ) -> (sent: [[UInt8]], isPlain: Bool) {
        var batch = DatagramBatch()
        guard let actions = bench.node.answer(datagram.span, from: source, now: bench.now, into: &batch) else {
            return (slowly(bench, datagram, source), false)
        }
        return ((batch.isEmpty ? [] : [Array(batch.bytes)]) + sends(actions), true)
    }

    private func slowly(_ bench: NodeBench, _ datagram: [UInt8], _ source: Endpoint) -> [[UInt8]] {
        sends(bench.node.receive(datagram, from: source, now: bench.now))
    }

    private func sends(_ actions: [DHTNode.Action]) -> [[UInt8]] {
        actions.compactMap { action in
            if case .send(let bytes, _) = action { return bytes }
            return nil
        }
    }

    @Test("Both ways give the same bytes for thousands of queries, whole and damaged", arguments: [0, 5, 60])
    func equality(nodes: Int) throws {
        var random = SplitMix64(seed: UInt64(nodes) + 1)
        let (quick, slow, targets) = try pair(&random, nodes: nodes)
        var plain = 0
        for number in 0..<1500 as Range<UInt32> {
            let clean = query(targets, &random)
            let damaged = HostileInput.mutations(of: clean, count: 1, seed: random.next()).first ?? []
            let source = Endpoint(.v4(0x0A07_0000 + number % 300), port: 4000)
            for datagram in [clean, damaged] {
                let (first, isPlain) = quickly(quick, datagram, source)
                let second = slowly(slow, datagram, source)
                #expect(first == second, "\(Hex.encode(datagram))")
                if isPlain { plain += 1 }
            }
        }
        #expect(plain > 800, "most are answered the quick way")
        #expect(quick.node.pending.count == slow.node.pending.count)
    }

    @Test("BEP 5: queries as other programs write them are plain; what is odd in any way is not")
    func recognition() {
        let id = String(repeating: "a", count: 20)
        let plain = [
            "d1:ad2:id20:\(id)e1:q4:ping1:t2:aa1:y1:qe",
            "d1:ad2:id20:\(id)6:target20:\(id)e1:q9:find_node2:roi1e1:t4:abcd1:v4:LT\u{1}\u{2}1:y1:qe",
            "d1:ad2:id20:\(id)9:info_hash20:\(id)4:wantl2:n42:n6ee1:q9:get_peers1:t1:x1:y1:qe",
            "d1:ad2:id20:\(id)3:seqi12e6:target20:\(id)e1:q3:get1:t1:x1:y1:qe",
        ]
        for text in plain { #expect(PlainQuery(Array(text.utf8).span) != nil, "\(text)") }
        let odd = [
            "", "d", "de", "d1:ad2:id20:\(id)e1:q4:ping1:t2:aa1:y1:q", "d1:ad2:id20:\(id)e1:q4:ping1:t2:aa1:y1:qeX",
            "d1:ad2:id19:\(id)e1:q4:ping1:t2:aa1:y1:qe", "d1:q4:ping1:ad2:id20:\(id)e1:t2:aa1:y1:qe",
            "d1:ad2:id20:\(id)e1:q4:ping1:t0:1:y1:qe", "d1:ad2:id20:\(id)e1:q4:pong1:t2:aa1:y1:qe",
            "d1:ad2:id20:\(id)9:info_haXX20:\(id)e1:q9:get_peers1:t1:x1:y1:qe",
            "d1:ad2:id20:\(id)9:info_hash20:\(id)e1:q9:get_peeXX1:t1:x1:y1:qe",
            "d1:ad2:id20:\(id)9:info_hash20:\(id)6:scrapei1ee1:q9:get_peers1:t1:x1:y1:qe",
            "d1:ad2:id20:\(id)3:seqi-1e6:target20:\(id)e1:q3:get1:t1:x1:y1:qe",
            "d1:ad2:id20:\(id)3:seqi012e6:target20:\(id)e1:q3:get1:t1:x1:y1:qe",
        ]
        for text in odd { #expect(PlainQuery(Array(text.utf8).span) == nil, "\(text)") }
    }

    @Test("Who asks again and again and never answers is asked back once a minute")
    func askingBack() {
        let bench = NodeBench()
        for _ in 0..<50 { _ = bench.ask(.ping) }
        let pings = { bench.sent.filter { (try? KRPCMessage(parsing: $0.bytes))?.isQuery ?? false }.count }
        #expect(pings() == 1)
        bench.run(for: .seconds(61))
        let before = pings()
        _ = bench.ask(.ping)
        #expect(pings() == before + 1)
    }
}

extension KRPCMessage {
    fileprivate var isQuery: Bool {
        if case .query = body { return true }
        return false
    }
}
