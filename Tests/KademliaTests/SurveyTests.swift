// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Kademlia

@Suite struct SurveyTests {
    @Test("BEP 33 \"Test Vectors\": the filter of 1,256 addresses, and its estimate")
    func vector() throws {
        var filter = BloomFilter()
        for last in 0...255 as ClosedRange<UInt32> { filter.insert(.v4(0xC000_0200 + last)) }
        for last in 0...0x3E7 as ClosedRange<UInt64> { filter.insert(.v6(high: 0x2001_0DB8_0000_0000, low: last)) }
        let digits = try Vectors.text("bep33/filter.hex").filter { !$0.isWhitespace }
        #expect(Hex.encode(filter.bytes).uppercased() == digits)
        #expect(abs(filter.estimate - 1224.9308) < 0.0001)
        #expect(BloomFilter().estimate == 0)
        let full = try #require(BloomFilter(Array(repeating: 0xFF, count: 256)))
        #expect(full.estimate > 7000, "a full filter gives a number all the same")
        #expect(BloomFilter(Array(repeating: 0, count: 255)) == nil)
    }

    private func announce(
        _ bench: NodeBench,
        _ infoHash: Digest160,
        from address: UInt32,
        port: UInt16 = 9,
        isSeed: Bool
    ) {
        let source = Endpoint(.v4(address), port: 4000)
        var announce = KRPCAnnounce(infoHash: infoHash, port: port, token: bench.token(for: infoHash, from: source))
        announce.isSeed = isSeed
        _ = bench.ask(.announcePeer(announce), from: source)
    }

    @Test("BEP 33: a scrape is answered with filters of seeds and of others, by address and not by port")
    func scrape() throws {
        let bench = NodeBench()
        let infoHash = bench.randomID()
        for number in 0..<40 as Range<UInt32> {
            announce(bench, infoHash, from: 0x0909_0000 + number << 8, isSeed: number < 10)
            announce(bench, infoHash, from: 0x0909_0000 + number << 8, port: 77, isSeed: number < 10)
        }
        let answer = try #require(bench.response(bench.ask(.scrape(infoHash: infoHash))))
        #expect(abs((answer.seedFilter?.estimate ?? 0) - 10) < 1)
        #expect(abs((answer.peerFilter?.estimate ?? 0) - 30) < 2)
        #expect(answer.values.isEmpty)
        #expect(bench.response(bench.ask(.scrape(infoHash: bench.randomID())))?.seedFilter == nil, "nothing known")
        var query = KRPCQuery(sender: NodeBench.strangerID, method: .getPeers(infoHash: infoHash))
        query.withoutSeeds = true
        let message = KRPCMessage(transaction: [1], body: .query(query))
        #expect(bench.response(bench.ask(message.encoded))?.values.count == 30, "noseed")
    }

    @Test("BEP 33: a lookup joins the filters of all nodes, so that what several hold counts once")
    func lookup() throws {
        let network = VirtualNetwork(seed: 33)
        network.settle(40)
        let infoHash = network.randomID()
        for index in 1...20 {
            _ = network.perform(.publish(.peer(infoHash: infoHash, port: 6881)), at: index)
        }
        guard case .scraped(let report, _)? = network.perform(.scrape(infoHash), at: 30)?.outcome else {
            Issue.record("no report")
            return
        }
        #expect(report.sources >= 8)
        #expect(abs(report.downloaders - 20) < 2)
        #expect(report.seeds == 0)
    }

    @Test("BEP 33: who has everything says so in its announces, and the others count it among the seeds")
    func announcesSeeds() {
        let network = VirtualNetwork(seed: 34)
        network.settle(30)
        let infoHash = network.randomID()
        for index in 1...10 {
            network.boxes[index].node.setSeed(index <= 4, of: infoHash)
            _ = network.perform(.publish(.peer(infoHash: infoHash, port: 6881)), at: index)
        }
        guard case .scraped(let report, _)? = network.perform(.scrape(infoHash), at: 20)?.outcome else {
            Issue.record("no report")
            return
        }
        // A seed's own answer does not say that it is one.
        #expect(abs(report.seeds - 4) < 1 && report.downloaders > 5)
    }

    @Test(
        "BEP 51: a sample of what others announced, the same for a minute, never what we hold ourselves nor what is denied"
    )
    func samples() throws {
        let denied = try #require(NodeID(Array(repeating: 0xDD, count: 20)))
        let bench = NodeBench { $0.refuses = { $0 == denied } }
        let hashes = (0..<50).map { _ in bench.randomID() }
        for (number, infoHash) in hashes.enumerated() {
            announce(bench, infoHash, from: 0x0A00_0001 + UInt32(number), isSeed: false)
        }
        announce(bench, denied, from: 0x0A00_0F00, isSeed: false)
        let own = bench.randomID()
        bench.perform(bench.node.start(.publish(.peer(infoHash: own, port: 1), keep: .own), id: 1, now: bench.now))
        let first = try #require(bench.response(bench.ask(.sampleInfohashes(target: own)))?.samples)
        #expect(first.infoHashes.count == DHTSpecification.maximumSample)
        #expect(first.total == 50)
        #expect(first.interval == 60)
        #expect(Set(first.infoHashes).isSubset(of: hashes))
        #expect(bench.response(bench.ask(.sampleInfohashes(target: .zero)))?.samples == first)
        bench.now += .seconds(61)
        let second = try #require(bench.response(bench.ask(.sampleInfohashes(target: own)))?.samples)
        #expect(second.infoHashes != first.infoHashes)
        let empty = NodeBench().ask(.sampleInfohashes(target: own))
        #expect(bench.response(empty)?.samples?.infoHashes == [], "the field is there where nothing is known")
    }

    @Test("BEP 51: a lookup collects the samples of the nodes on its way")
    func collecting() {
        let network = VirtualNetwork(seed: 51)
        network.settle(40)
        let hashes = (0..<12).map { _ in network.randomID() }
        for (index, infoHash) in hashes.enumerated() {
            _ = network.perform(.publish(.peer(infoHash: infoHash, port: 6881)), at: index)
        }
        var found: Set<Digest160> = []
        for _ in 0..<6 {
            let outcome = network.perform(.sampleInfohashes(near: network.randomID()), at: 30)?.outcome
            if case .samples(let report, _)? = outcome { found.formUnion(report.infoHashes) }
        }
        #expect(found == Set(hashes))
    }

    @Test(
        "BEP 32 \"Bootstrapping\": a node that knows only IPv4 nodes asks them for both families, and then the IPv6 ones they name"
    )
    func dualStack() throws {
        let bench = NodeBench { $0.families = [.v4, .v6] }
        let entrance = Endpoint(.v4(0x0A00_0001), port: 6881)
        let six = try #require(Endpoint("[fd00::7]:6881"))
        bench.perform(bench.node.join(through: [entrance], now: bench.now))
        let wants = bench.sent.compactMap { datagram -> Set<AddressFamily>? in
            guard case .query(let query)? = (try? KRPCMessage(parsing: datagram.bytes))?.body else { return nil }
            return query.want
        }
        #expect(wants == [[.v4, .v6]])
        bench.answerAll { _, response in
            response.nodes6 = [Contact(id: NodeBench.strangerID, endpoint: six)]
        } id: { _ in
            NodeBench.strangerID
        }
        #expect(bench.sent.contains { $0.to == six })
        bench.answerAll({ _, _ in }, id: { _ in NodeBench.strangerID })
        #expect(bench.node.table(.v6).count == 1)
    }

    @Test("An address that has proven nothing gets filters and samples only within its prefix's allowance")
    func amplification() {
        let bench = NodeBench {
            $0.queriesPerPrefix = 10_000
            $0.queryBurstPerPrefix = 10_000
        }
        let infoHash = bench.randomID()
        for number in 1...100 as ClosedRange<UInt32> {
            announce(bench, infoHash, from: 0x0A00_0000 + number, isSeed: true)
        }
        bench.sent = []
        var asked = 0
        for _ in 0..<2000 {
            var query = KRPCQuery(sender: NodeBench.strangerID, method: .scrape(infoHash: infoHash))
            query.want = [.v4]
            let bytes = KRPCMessage(transaction: [1], body: .query(query)).encoded
            asked += bytes.count
            _ = bench.ask(bytes)
        }
        let answered = bench.sent.filter { $0.to == NodeBench.stranger }.reduce(0) { $0 + $1.bytes.count }
        // BEP 5's own norm: find_node of eight nodes is about 290 bytes for 95.
        #expect(Double(answered) / Double(asked) < 3.1, "\(Double(answered) / Double(asked))")
    }
}
