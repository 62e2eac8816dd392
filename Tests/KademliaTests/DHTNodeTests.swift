// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Kademlia

@Suite struct DHTNodeTests {
    private func key(_ seed: UInt8 = 1) throws -> SigningKey {
        try #require(SigningKey(seed: Array(repeating: seed, count: 32)))
    }

    private func put(_ item: MutableItem, token: [UInt8], expecting: Int64? = nil) -> KRPCQuery.Method {
        let mutable = KRPCPut.Mutable(
            key: item.key,
            salt: item.salt,
            sequence: item.sequence,
            signature: item.signature,
            expectedSequence: expecting
        )
        return .put(KRPCPut(token: token, value: item.value, mutable: mutable))
    }

    @Test("BEP 42: every answer says where the question came from")
    func observedAddress() {
        let bench = NodeBench()
        #expect(bench.ask(.ping)?.observedEndpoint == NodeBench.stranger)
    }

    @Test("BEP 43: a read-only node answers nothing, and one that asks so is not asked back")
    func readOnly() {
        let mute = NodeBench { $0.isReadOnly = true }
        #expect(mute.ask(.ping) == nil)
        #expect(mute.sent.isEmpty)
        let bench = NodeBench()
        #expect(bench.ask(.ping, isReadOnly: true) != nil)
        #expect(bench.sent.count == 1, "the answer and no ping")
        _ = bench.ask(.ping)
        #expect(bench.sent.count == 3, "the answer and a ping")
    }

    @Test("BEP 5, BEP 44: the number of each refusal")
    func faults() throws {
        let bench = NodeBench()
        let item = try MutableItem.signed(value: Array("1:a".utf8), sequence: 5, by: key())
        let token = bench.token(for: item.target)
        #expect(token.count == 8)
        #expect(bench.code(bench.ask(put(item, token: [1, 2]))) == 203)
        #expect(bench.code(bench.ask(put(item, token: token))) == nil)
        let older = try MutableItem.signed(value: Array("1:b".utf8), sequence: 4, by: key())
        #expect(bench.code(bench.ask(put(older, token: token))) == 302)
        let newer = try MutableItem.signed(value: Array("1:b".utf8), sequence: 6, by: key())
        #expect(bench.code(bench.ask(put(newer, token: token, expecting: 4))) == 301)
        let forged = KRPCPut.Mutable(
            key: item.key,
            salt: [],
            sequence: 9,
            signature: item.signature,
            expectedSequence: nil
        )
        let forgedPut = KRPCPut(token: token, value: item.value, mutable: forged)
        #expect(bench.code(bench.ask(.put(forgedPut))) == 206)
        let large = KRPCPut(token: token, value: BencodeValue.bytes(Array(repeating: 0, count: 1000)).encoded)
        #expect(bench.code(bench.ask(.put(large))) == 205)
        var salted = forged
        salted.salt = Array(repeating: 1, count: 65)
        #expect(bench.code(bench.ask(.put(KRPCPut(token: token, value: item.value, mutable: salted)))) == 207)
        let text = "d1:ad2:id20:abcdefghij0123456789e1:q4:vote1:t2:aa1:y1:qe"
        #expect(bench.code(bench.ask(Array(text.utf8))) == 204)
        let incomplete = "d1:ad2:id20:abcdefghij0123456789e1:q9:find_node1:t2:aa1:y1:qe"
        #expect(bench.code(bench.ask(Array(incomplete.utf8))) == 203)
        let read = bench.response(bench.ask(.get(target: item.target, sequence: nil)))
        #expect(read?.value == item.value)
        #expect(read?.sequence == 5)
        let known = bench.response(bench.ask(.get(target: item.target, sequence: 5)))
        #expect(known?.value == nil)
        #expect(known?.sequence == 5)
    }

    @Test("Equal numbers with different values are reported as a conflict")
    func conflict() throws {
        let bench = NodeBench()
        let first = try MutableItem.signed(value: Array("1:a".utf8), sequence: 5, by: key())
        let second = try MutableItem.signed(value: Array("1:b".utf8), sequence: 5, by: key())
        let token = bench.token(for: first.target)
        _ = bench.ask(put(first, token: token))
        #expect(bench.code(bench.ask(put(second, token: token))) == 302)
        #expect(bench.events == [.conflict(ItemConflict(first: first, second: second))])
    }

    @Test("BEP 32: nodes by the family of the question, or as want says; values of the asker's family only")
    func families() throws {
        let bench = NodeBench { $0.families = [.v4, .v6] }
        let six = try #require(Endpoint("[2001:db8::1]:4000"))
        let target = bench.randomID()
        #expect(bench.response(bench.ask(.findNode(target: target)))?.families == [.v4])
        #expect(bench.response(bench.ask(.findNode(target: target), from: six))?.families == [.v6])
        #expect(bench.response(bench.ask(.findNode(target: target), want: [.v4, .v6]))?.families == [.v4, .v6])
        let announce = KRPCAnnounce(infoHash: target, port: nil, token: bench.token(for: target, from: six))
        #expect(bench.response(bench.ask(.announcePeer(announce), from: six)) != nil)
        #expect(bench.response(bench.ask(.getPeers(infoHash: target), from: six))?.values == [six])
        #expect(bench.response(bench.ask(.getPeers(infoHash: target)))?.values.isEmpty == true)
    }

    @Test("A flood from one prefix is answered up to its limit; others and loopback still are")
    func rateLimit() {
        let bench = NodeBench { $0.queryBurstPerPrefix = 20 }
        var answers = 0
        for number in 0..<200 as Range<UInt32> {
            let source = Endpoint(.v4(0x0808_0801 + number % 50), port: 1)
            if bench.ask(.ping, from: source) != nil { answers += 1 }
        }
        #expect(answers == 20)
        #expect(bench.ask(.ping, from: Endpoint(.v4(0x0909_0909), port: 1)) != nil)
        for _ in 0..<100 { #expect(bench.ask(.ping, from: Endpoint(.v4(0x7F00_0001), port: 1)) != nil) }
    }

    @Test("To an address that has proven nothing a list of peers is no longer than an ordinary answer")
    func amplification() {
        let bench = NodeBench()
        let infoHash = bench.randomID()
        for number in 1...150 as ClosedRange<UInt32> {
            let source = Endpoint(.v4(0x0A00_0000 + number), port: 9)
            let token = bench.token(for: infoHash, from: source)
            _ = bench.ask(.announcePeer(KRPCAnnounce(infoHash: infoHash, port: 9, token: token)), from: source)
        }
        bench.sent = []
        let values = bench.response(bench.ask(.getPeers(infoHash: infoHash)))?.values ?? []
        #expect(values.count > 10)
        #expect((bench.sent.first?.bytes.count ?? 0) <= DHTNode.ordinaryAnswer)
    }

    @Test("S2-10: Forged items from the network are refused, and the valid one is found among them")
    func forgeries() throws {
        let bench = NodeBench()
        let good = try MutableItem.signed(value: Array("4:good".utf8), sequence: 3, by: key())
        let other = try MutableItem.signed(value: Array("4:evil".utf8), sequence: 9, by: key(2))
        let nodes = (1...6).map { Endpoint(.v4(0x7F00_0000 + UInt32($0)), port: 1) }
        bench.perform(bench.node.join(through: nodes, now: bench.now))
        bench.answerAll({ _, _ in }, id: { _ in bench.randomID() })
        bench.sent = []
        let command = DHTCommand.getMutable(key: good.key, salt: [])
        bench.perform(bench.node.start(command, id: 1, now: bench.now))
        for _ in 0..<4 {
            bench.answerAll(
                { _, response in
                    response.value = other.value
                    response.sequence = 9
                    response.signature = other.signature
                    response.key = response.sender[0] & 2 == 2 ? other.key : good.key
                    guard response.sender[0] & 1 == 1 else { return }
                    (response.value, response.sequence) = (good.value, 3)
                    (response.key, response.signature) = (good.key, good.signature)
                },
                id: { endpoint in
                    NodeID(Array(repeating: UInt8(truncatingIfNeeded: endpoint.compact[3]), count: 20)) ?? .zero
                }
            )
        }
        bench.run(for: .seconds(3))
        guard case .mutable(let report, _)? = bench.outcomes.last else {
            Issue.record("the get did not finish")
            return
        }
        #expect(report.item == good)
        #expect(!bench.progress.contains(.item(other)))
    }

    @Test("What was newer once is not forgotten for an older answer, also over a restart")
    func rollback() throws {
        let new = try MutableItem.signed(value: Array("3:new".utf8), sequence: 8, by: key())
        let old = try MutableItem.signed(value: Array("3:old".utf8), sequence: 7, by: key())
        let bench = NodeBench()
        var state = DHTState(id: bench.randomID())
        state.floors = [.init(target: new.target, sequence: 8)]
        bench.node.restore(state, now: bench.now)
        bench.perform(bench.node.join(through: [Endpoint(.v4(0x7F00_0002), port: 1)], now: bench.now))
        bench.answerAll({ _, _ in }, id: { _ in NodeBench.strangerID })
        bench.perform(bench.node.start(.getMutable(key: new.key, salt: []), id: 1, now: bench.now))
        bench.answerAll(
            { _, response in
                (response.value, response.sequence) = (old.value, 7)
                (response.key, response.signature) = (old.key, old.signature)
            },
            id: { _ in NodeBench.strangerID }
        )
        bench.run(for: .seconds(3))
        guard case .mutable(let report, _)? = bench.outcomes.last else {
            Issue.record("the get did not finish")
            return
        }
        #expect(report.item == nil)
        #expect(report.highestKnown == 8)
        #expect(!bench.progress.contains(.item(old)))
    }

    @Test("BEP 42: three networks that agree on a public address move the node to an id that fits")
    func address() throws {
        let bench = NodeBench()
        let seen = Endpoint(.v4(0x7C1F_4B15), port: 6881)
        let nodes = (1...3).map { Endpoint(.v4(0x0808_0808 + UInt32($0) << 16), port: 1) }
        bench.perform(bench.node.join(through: nodes, now: bench.now))
        let open = bench.sent
        for (bytes, endpoint) in open {
            let query = try KRPCMessage(parsing: bytes)
            var reply = KRPCMessage(
                transaction: query.transaction,
                body: .response(KRPCResponse(sender: bench.randomID()))
            )
            reply.observedEndpoint = seen
            bench.perform(bench.node.receive(reply.encoded, from: endpoint, now: bench.now))
        }
        #expect(bench.node.id.isSecured(for: seen.address))
        #expect(bench.events.contains(.address(seen.address)))
        #expect(bench.node.nodeCount == 3)
    }

    @Test("An answer counts only from where the question went, and once")
    func spoofing() throws {
        let bench = NodeBench()
        let node = Endpoint(.v4(0x7F00_0005), port: 5)
        bench.perform(bench.node.join(through: [node], now: bench.now))
        let query = try KRPCMessage(parsing: try #require(bench.sent.first).bytes)
        let reply = KRPCMessage(
            transaction: query.transaction,
            body: .response(KRPCResponse(sender: NodeBench.strangerID))
        )
        let forger = Endpoint(.v4(0x7F00_0006), port: 5)
        bench.perform(bench.node.receive(reply.encoded, from: forger, now: bench.now))
        #expect(bench.node.nodeCount == 0)
        bench.perform(bench.node.receive(reply.encoded, from: node, now: bench.now))
        #expect(bench.node.nodeCount == 1)
    }

    @Test("Denied targets are neither stored, nor answered, nor announced")
    func denied() throws {
        let item = try ImmutableItem(value: Array("3:bad".utf8))
        let site = try key().publicKey.identifier.truncated
        let bench = NodeBench {
            $0.localAddresses = [.v4(0x7F00_0001)]
            $0.refuses = { $0 == item.target || $0 == site }
        }
        let token = bench.token(for: item.target)
        #expect(bench.code(bench.ask(.put(KRPCPut(token: token, value: item.value)))) == 201)
        #expect(bench.response(bench.ask(.get(target: item.target, sequence: nil)))?.value == nil)
        let announce = KRPCAnnounce(infoHash: item.target, port: 1, token: token)
        #expect(bench.code(bench.ask(.announcePeer(announce))) == 201)
        let signed = try MutableItem.signed(value: Array("1:a".utf8), salt: [1], sequence: 5, by: key())
        let answer = bench.ask(put(signed, token: bench.token(for: signed.target)))
        #expect(bench.code(answer) == 201, "an item of a denied site, whatever its salt")
    }

    @Test("A node is reachable when somebody asks who was not written to before, and for half an hour")
    func reachable() throws {
        let bench = NodeBench { $0.localAddresses = [.v4(0x0101_0101)] }
        let friend = Endpoint(.v4(0x0909_0909), port: 9)
        bench.perform(bench.node.join(through: [friend], now: bench.now))
        _ = bench.ask(.ping, from: friend)
        #expect(!bench.isReachable())
        _ = bench.ask(.ping, from: Endpoint(.v4(0x0A00_0001), port: 9))
        #expect(!bench.isReachable(), "a neighbour on the local network is no stranger")
        _ = bench.ask(.ping)
        #expect(bench.isReachable())
        #expect(!bench.isReachable(after: .seconds(1800)))
    }

    @Test("Thousands of damaged datagrams trap nothing, and no answer is larger than a datagram may be")
    func hostileDatagrams() throws {
        let bench = NodeBench { $0.families = [.v4, .v6] }
        let item = try MutableItem.signed(value: Array("1:a".utf8), salt: [1], sequence: 5, by: key())
        let token = bench.token(for: item.target)
        var samples = try Vectors.json("krpc/bep5-examples.json", as: [String].self).map { Array($0.utf8) }
        let methods: [KRPCQuery.Method] = [
            put(item, token: token, expecting: 4), .get(target: item.target, sequence: 1),
            .announcePeer(KRPCAnnounce(infoHash: item.target, port: 80, token: token)),
        ]
        for method in methods {
            let query = KRPCQuery(sender: NodeBench.strangerID, method: method)
            samples.append(KRPCMessage(transaction: [1], body: .query(query)).encoded)
        }
        for (index, sample) in samples.enumerated() {
            for damaged in HostileInput.mutations(of: sample, count: 400, seed: UInt64(index)) {
                _ = bench.ask(damaged, from: Endpoint(.v4(0x7F00_0001), port: 1))
            }
        }
        #expect(bench.sent.allSatisfy { $0.bytes.count <= DHTSpecification.maximumDatagram })
        #expect(bench.node.nodeCount == 0)
    }

    @Test("Thousands of damaged answers to real questions trap nothing")
    func hostileAnswers() throws {
        let bench = NodeBench()
        let entrance = Endpoint(.v4(0x7F00_0002), port: 1)
        let item = try MutableItem.signed(value: Array("1:a".utf8), sequence: 5, by: key())
        for round in 0..<1500 as Range<UInt64> {
            bench.perform(bench.node.join(through: [entrance], now: bench.now))
            bench.perform(bench.node.start(.getMutable(key: item.key, salt: []), id: round, now: bench.now))
            let open = bench.sent
            bench.sent = []
            for (bytes, endpoint) in open {
                guard let query = try? KRPCMessage(parsing: bytes), case .query = query.body else { continue }
                var response = KRPCResponse(sender: bench.randomID())
                response.nodes = [Contact(id: bench.randomID(), endpoint: Endpoint(.v4(0x7F00_0003), port: 7))]
                (response.value, response.sequence, response.token) = (item.value, 5, [1])
                (response.key, response.signature) = (item.key, item.signature)
                response.values = [Endpoint(.v4(1 << 24), port: 1)]
                let reply = KRPCMessage(transaction: query.transaction, body: .response(response)).encoded
                for damaged in HostileInput.mutations(of: reply, count: 2, seed: round) {
                    bench.perform(bench.node.receive(damaged, from: endpoint, now: bench.now))
                }
            }
            bench.run(for: .milliseconds(700))
        }
        for case .mutable(let report, _) in bench.outcomes where report.item != nil {
            #expect(report.item == item)
        }
        #expect(bench.outcomes.count > 1000)
    }
}
