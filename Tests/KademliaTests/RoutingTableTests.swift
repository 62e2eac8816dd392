// SPDX-License-Identifier: Apache-2.0
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Kademlia

@Suite struct RoutingTableTests {
    private var random = SplitMix64(seed: 5)

    private func local(_ id: NodeID, _ number: Int = 1) -> Contact {
        Contact(id: id, endpoint: Endpoint(.v4(0x7F00_0000 + UInt32(number)), port: 6881))
    }

    private mutating func filled(_ count: Int) -> RoutingTable {
        var table = RoutingTable(ownID: .random(using: &random), now: .zero)
        for number in 1...count {
            _ = table.answered(local(.random(using: &random), number), now: .zero)
        }
        return table
    }

    @Test("S3-009, BEP 5: no bucket has more than k nodes, and each stands in the bucket of its shared bits")
    mutating func buckets() {
        let table = filled(2000)
        #expect(table.snapshot.count > 5)
        for (index, bucket) in table.snapshot.enumerated() {
            #expect(bucket.count <= 8)
            for entry in bucket {
                let shared = (entry.contact.id ^ table.ownID).leadingZeroBitCount
                #expect(index == table.snapshot.count - 1 ? shared >= index : shared == index)
            }
        }
    }

    @Test("The closest nodes are those that sorting the whole table gives", arguments: [0, 1, 2] as [UInt64])
    mutating func closest(seed: UInt64) {
        random = SplitMix64(seed: seed)
        let table = filled(1000)
        let all = table.snapshot.joined().map { $0.contact }
        for bits in 0..<40 {
            var target = NodeID.random(using: &random)
            if bits.isMultiple(of: 2) { target = table.ownID.neighbour(sharing: bits, using: &random) }
            let sorted = all.sorted { $0.id ^ target < $1.id ^ target }
            #expect(table.closest(to: target, count: 8) == Array(sorted.prefix(8)))
        }
    }

    @Test("BEP 5: good for 15 minutes after an answer, questionable then, bad after two unanswered queries")
    mutating func quality() {
        var table = filled(1)
        let contact = table.snapshot[0][0].contact
        #expect(table.entry(contact.id)?.isGood(now: .seconds(14 * 60)) == true)
        #expect(table.entry(contact.id)?.isGood(now: .seconds(16 * 60)) == false)
        table.heard(contact, now: .seconds(16 * 60))
        #expect(table.entry(contact.id)?.isGood(now: .seconds(17 * 60)) == true, "it asked us something")
        table.failed(contact, now: .seconds(1))
        #expect(table.closest(to: contact.id, count: 8) == [contact])
        table.failed(contact, now: .seconds(2))
        #expect(table.closest(to: contact.id, count: 8).isEmpty)
        _ = table.answered(contact, now: .seconds(3))
        #expect(table.closest(to: contact.id, count: 8) == [contact])
    }

    @Test("A replacement takes the place of a node that turned bad")
    mutating func replacement() throws {
        var table = filled(3000)
        let bucket = try #require(table.snapshot.first)
        let spare = table.ownID.neighbour(sharing: 0, using: &random)
        #expect(table.answered(local(spare, 9000), now: .seconds(1)) == .refused)
        table.failed(bucket[0].contact, now: .seconds(2))
        table.failed(bucket[0].contact, now: .seconds(3))
        #expect(table.entry(spare) != nil)
        #expect(table.entry(bucket[0].contact.id) == nil)
    }

    @Test("A full bucket asks its questionable nodes before it turns a newcomer away")
    mutating func probe() {
        var table = filled(3000)
        let spare = table.ownID.neighbour(sharing: 0, using: &random)
        guard case .probe(let contact) = table.answered(local(spare, 9001), now: .seconds(3600)) else {
            Issue.record("nobody is probed")
            return
        }
        #expect(table.snapshot[0].contains { $0.contact == contact })
    }

    @Test("One public /24 gets two places in a bucket and one address one; loopback and private ranges as many as come")
    mutating func diversity() throws {
        var table = RoutingTable(ownID: .random(using: &random), now: .zero)
        for (range, places) in [(0x0808_0800 as UInt32, 2), (0x7F00_0000, 8), (0x0A00_0000, 8)] {
            table = RoutingTable(ownID: table.ownID, now: .zero)
            for number in 1...30 as ClosedRange<UInt32> {
                let id = table.ownID.neighbour(sharing: 0, using: &random)
                _ = table.answered(Contact(id: id, endpoint: Endpoint(.v4(range + number), port: 1)), now: .zero)
            }
            #expect(table.snapshot[0].count == places)
        }
        table = RoutingTable(ownID: table.ownID, now: .zero)
        for port in 1...5 as ClosedRange<UInt16> {
            let id = NodeID.random(using: &random)
            _ = table.answered(Contact(id: id, endpoint: Endpoint(.v4(0x0909_0909), port: port)), now: .zero)
        }
        #expect(table.count == 1)
        for port in 1...5 as ClosedRange<UInt16> {
            let id = NodeID.random(using: &random)
            _ = table.answered(Contact(id: id, endpoint: Endpoint(.v4(0x7F00_0001), port: port)), now: .zero)
        }
        #expect(table.count == 6, "several nodes on one loopback address")
    }

    @Test("A known id from another address does not push the first one out while that answers")
    mutating func hijack() {
        var table = filled(1)
        let contact = table.snapshot[0][0].contact
        let thief = local(contact.id, 77)
        #expect(table.answered(thief, now: .seconds(1)) == .refused)
        #expect(table.entry(contact.id)?.contact == contact)
        table.failed(contact, now: .seconds(2))
        #expect(table.answered(thief, now: .seconds(3)) == .returned(wasBad: false))
    }

    @Test("A node that comes back under a new id is listed once")
    mutating func newIdentity() {
        var table = filled(1)
        let old = table.snapshot[0][0].contact
        _ = table.answered(Contact(id: .random(using: &random), endpoint: old.endpoint), now: .seconds(1))
        #expect(table.count == 1)
        #expect(table.entry(old.id) == nil)
    }

    @Test("BEP 42, leniently: a fitting id takes the place of one that does not fit, never the other way")
    mutating func securedIDs() throws {
        var table = RoutingTable(ownID: .random(using: &random), now: .zero)
        for number in 0..<200 as Range<UInt32> {
            let address = IPAddress.v4(0x1000_0000 + number << 16)
            let id = table.ownID.neighbour(sharing: 0, using: &random)
            _ = table.answered(Contact(id: id, endpoint: Endpoint(address, port: 1)), now: .zero)
        }
        #expect(table.snapshot[0].count == 8)
        let address = IPAddress.v4(0x2000_0001)
        var id = NodeID.secured(for: address, using: &random)
        while (id ^ table.ownID).leadingZeroBitCount != 0 { id = .secured(for: address, using: &random) }
        #expect(table.answered(Contact(id: id, endpoint: Endpoint(address, port: 1)), now: .seconds(1)) == .added)
    }

    @Test("BEP 5: a bucket without a change for 15 minutes is refreshed by a target inside it")
    mutating func refresh() throws {
        var table = filled(500)
        #expect(table.refreshTarget(now: .seconds(14 * 60), using: &random) == nil)
        var refreshed = Set<Int>()
        while let target = table.refreshTarget(now: .seconds(16 * 60), using: &random) {
            refreshed.insert(table.bucketIndex(of: target))
        }
        #expect(refreshed.count == table.snapshot.count)
    }
}
