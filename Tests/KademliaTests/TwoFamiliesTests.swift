// SPDX-License-Identifier: Apache-2.0
internal import Testing
internal import Wire

@testable internal import Kademlia

@Suite struct TwoFamiliesTests {
    private static let families: Set<AddressFamily> = [.v4, .v6]

    /// Of twelve networks each.
    private static let v4 = (1...12).map { Endpoint(.v4(0x0800_0008 + UInt32($0) << 16), port: 6881) }
    private static let v6 = (1...12).map { Endpoint(.v6(high: 0x2A00_0000_0000_0000 + $0 << 32, low: 8), port: 6881) }

    /// Everybody answers, under an id that fits, and sees us at `seen`, until the clock has gone on by `time`.
    private func run(_ bench: NodeBench, for time: Duration = .seconds(5), seen: @escaping (Endpoint) -> IPAddress?) {
        var generator = SecretGenerator(seed: [1])
        let end = bench.now + time
        while bench.now < end {
            let open = bench.sent
            bench.sent = []
            for (bytes, endpoint) in open {
                guard let message = try? KRPCMessage(parsing: bytes), case .query = message.body else { continue }
                let sender = NodeID.secured(for: endpoint.address, using: &generator)
                var answer = KRPCMessage(
                    transaction: message.transaction,
                    body: .response(KRPCResponse(sender: sender))
                )
                answer.observedEndpoint = seen(endpoint).map { Endpoint($0, port: 6881) }
                bench.perform(bench.node.receive(answer.encoded, from: endpoint, now: bench.now))
            }
            bench.run(for: .milliseconds(100))
        }
    }

    @Test("BEP 32: a node of both networks has one id in them, as long as no address asks for another")
    func oneID() {
        let bench = NodeBench { $0.families = Self.families }
        #expect(bench.node.id(.v4) == bench.node.id(.v6))
        #expect(bench.response(bench.ask(.ping))?.sender == bench.node.id)
        #expect(bench.response(bench.ask(.ping, from: Self.v6[0]))?.sender == bench.node.id)
    }

    @Test("BEP 42: each network's id fits the address that its own nodes agree on, and both outlive a restart")
    func idOfEach() throws {
        let bench = NodeBench { $0.families = Self.families }
        let own4 = IPAddress.v4(0x7C1F_4B15)
        let own6 = IPAddress.v6(high: 0x2A01_0203_0405_0607, low: 9)
        bench.perform(bench.node.join(through: Self.v4 + Self.v6, now: bench.now))
        run(bench) { $0.address.isV4 ? own4 : own6 }
        #expect(bench.node.address(.v4) == own4 && bench.node.address(.v6) == own6)
        #expect(bench.node.id(.v4).isSecured(for: own4) && bench.node.id(.v6).isSecured(for: own6))
        #expect(bench.node.id(.v4) != bench.node.id(.v6))
        #expect(bench.response(bench.ask(.ping))?.sender == bench.node.id(.v4))
        #expect(bench.response(bench.ask(.ping, from: Self.v6[0]))?.sender == bench.node.id(.v6))
        let state = try #require(DHTState(parsing: bench.node.state.encoded))
        #expect(state.id == bench.node.id(.v4) && state.id6 == bench.node.id(.v6))
        #expect(Set(state.nodes.map { $0.endpoint.family }) == Self.families)
    }

    @Test("BEP 42: what nodes of one network say of our address there moves nothing in the other")
    func otherAddress() {
        let bench = NodeBench { $0.families = Self.families }
        let id = bench.node.id
        bench.perform(bench.node.join(through: Self.v4 + Self.v6, now: bench.now))
        run(bench) { $0.address.isV4 ? .v6(high: 0x2A01_0203_0405_0607, low: 9) : nil }
        #expect(bench.node.id(.v4) == id && bench.node.id(.v6) == id)
    }

    @Test("BEP 42: both neighbourhoods are searched where the ids differ")
    func bothNeighbourhoods() {
        let bench = NodeBench {
            $0.families = Self.families
            $0.localAddresses = [.v4(0x7C1F_4B15), .v6(high: 0x2A01_0203_0405_0607, low: 9)]
        }
        #expect(bench.node.id(.v4) != bench.node.id(.v6))
        bench.perform(bench.node.join(through: Self.v4 + Self.v6, now: bench.now))
        let targets = bench.sent.compactMap { datagram -> NodeID? in
            guard case .query(let query)? = (try? KRPCMessage(parsing: datagram.bytes))?.body,
                case .findNode(let target) = query.method
            else { return nil }
            return target
        }
        #expect(targets.contains(bench.node.id(.v4)) && targets.contains(bench.node.id(.v6)))
    }

    @Test("An announce is answered with the address of the asker's family, and so are our own items' searches")
    func ownAnnounces() {
        let bench = NodeBench {
            $0.families = Self.families
            $0.localAddresses = [.v4(0x7C1F_4B15), .v6(high: 0x2A01_0203_0405_0607, low: 9)]
            $0.localPort = 4000
        }
        let hash = bench.randomID()
        bench.perform(bench.node.keep(.peer(infoHash: hash, port: nil), policy: .own, now: bench.now))
        let four = bench.response(bench.ask(.getPeers(infoHash: hash)))?.values
        let six = bench.response(bench.ask(.getPeers(infoHash: hash), from: Self.v6[0]))?.values
        #expect(four == [Endpoint(.v4(0x7C1F_4B15), port: 4000)])
        #expect(six == [Endpoint(.v6(high: 0x2A01_0203_0405_0607, low: 9), port: 4000)])
    }

    /// IPv4 nodes that name IPv6 ones, whom no datagram reaches.
    private func searches(_ bench: NodeBench, refuse: Bool, count: Int) -> (asked: Int, wanting: Int) {
        var (asked, wanting) = (0, 0)
        var generator = SecretGenerator(seed: [1])
        let end = bench.now + .seconds(20)
        var number = UInt64(0)
        while bench.now < end {
            if number < count {
                bench.perform(bench.node.start(.findNode(bench.randomID()), id: number + 1, now: bench.now))
            }
            number += 1
            while !bench.sent.isEmpty {
                let (bytes, endpoint) = bench.sent.removeFirst()
                guard let message = try? KRPCMessage(parsing: bytes), case .query(let query) = message.body else {
                    continue
                }
                if endpoint.family == .v6 {
                    asked += 1
                    if refuse { bench.perform(bench.node.hadNoWay(to: endpoint, now: bench.now)) }
                    continue
                }
                if query.want.contains(.v6) { wanting += 1 }
                var response = KRPCResponse(sender: .secured(for: endpoint.address, using: &generator))
                if query.want.contains(.v6) {
                    response.nodes6 = Self.v6.map {
                        Contact(id: .secured(for: $0.address, using: &generator), endpoint: $0)
                    }
                }
                let answer = KRPCMessage(transaction: message.transaction, body: .response(response))
                bench.perform(bench.node.receive(answer.encoded, from: endpoint, now: bench.now))
            }
            bench.run(for: .milliseconds(250))
        }
        return (asked, wanting)
    }

    @Test(
        "Where the system has no way into a network, its nodes are neither asked for nor asked, and nobody waits for them"
    )
    func noRoute() {
        let bench = NodeBench { $0.families = Self.families }
        bench.perform(bench.node.join(through: Self.v4, now: bench.now))
        let (asked, wanting) = searches(bench, refuse: true, count: 40)
        #expect((1...40).contains(asked), "\(asked)")
        #expect(wanting <= 40, "\(wanting)")
        #expect(bench.outcomes.count == 40)
        #expect(bench.node.nodeCount(.v4) >= 8 && bench.node.nodeCount(.v6) == 0)
    }

    @Test("Nor where every datagram into it is lost, after some trials")
    func blackHole() {
        let bench = NodeBench { $0.families = Self.families }
        bench.perform(bench.node.join(through: Self.v4, now: bench.now))
        let (asked, _) = searches(bench, refuse: false, count: 60)
        #expect(asked < 120, "\(asked)")
        // An answer from there, and it is asked for again.
        bench.sent = []
        _ = bench.ask(.ping, from: Self.v6[3])
        run(bench, for: .seconds(2)) { _ in nil }
        #expect(bench.node.nodeCount(.v6) == 1)
    }

    @Test("A node of the Internet leads a search neither to peers nor to nodes of our own network, in both families")
    func strangersWord() throws {
        let bench = NodeBench { $0.families = Self.families }
        bench.perform(bench.node.join(through: [Self.v4[0]], now: bench.now))
        run(bench, for: .seconds(1)) { _ in nil }
        let bad = [
            "10.0.0.9:6881", "127.0.0.1:80", "[::1]:6881", "[fd00::1]:6881", "[fe80::1]:6881", "[2001:0:1::1]:6881",
        ]
        .compactMap { Endpoint($0) }
        let good = [try #require(Endpoint("9.9.9.9:6881")), try #require(Endpoint("[2620:fe::fe]:6881"))]
        bench.perform(bench.node.start(.getPeers(.zero), id: 1, now: bench.now))
        var generator = SecretGenerator(seed: [3])
        bench.answerAll { _, response in
            response.values = bad + good
            response.nodes = (bad + good).filter { $0.family == .v4 }
                .map { Contact(id: .secured(for: $0.address, using: &generator), endpoint: $0) }
            response.nodes6 = (bad + good).filter { $0.family == .v6 }
                .map { Contact(id: .secured(for: $0.address, using: &generator), endpoint: $0) }
        } id: { _ in
            NodeBench.strangerID
        }
        bench.run(for: .seconds(5))
        #expect(bench.progress == [.peers(good)])
        #expect(Set(bench.sent.map(\.to)).isDisjoint(with: bad))
        #expect(Set(bench.sent.map(\.to)).isSuperset(of: good))
    }

    @Test("IPv4 addresses dressed up as IPv6 are neither listed nor asked nor told (RFC 4291 §2.5.5.2)")
    func mapped() {
        let bench = NodeBench { $0.families = Self.families }
        let mapped = Endpoint(.v6(high: 0, low: 0xFFFF_0808_0808), port: 6881)
        #expect(bench.ask(.ping, from: mapped) == nil)
        let compact = NodeBench.strangerID.bytes + mapped.compact
        #expect(Contact.list(compact: compact, family: .v6).isEmpty)
        #expect(!AddressPolicy.stranger.admits(mapped))
    }
}
