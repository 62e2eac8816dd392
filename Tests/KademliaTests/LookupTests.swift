// SPDX-License-Identifier: Apache-2.0
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Kademlia

@Suite struct LookupTests {
    private let target = NodeID.zero

    /// A contact at distance `rank`, so a lower one is closer.
    private func contact(_ rank: UInt8, address: UInt32? = nil) -> Contact {
        let id = NodeID(Array(repeating: 0, count: 19) + [rank]) ?? .zero
        return Contact(id: id, endpoint: Endpoint(.v4(address ?? 0x7F00_0000 + UInt32(rank)), port: 1))
    }

    private func lookup(_ ranks: some Sequence<UInt8>, width: Int = 3, parallelism: Int = 2) -> Lookup {
        Lookup(
            target: target,
            family: .v4,
            width: width,
            parallelism: parallelism,
            from: ranks.map { contact($0) }
        )
    }

    private func askAll(_ lookup: inout Lookup) -> [Contact] {
        var asked: [Contact] = []
        while let next = lookup.next() {
            lookup.asked(next.endpoint)
            asked.append(next.contact)
        }
        return asked
    }

    private let stranger = NodeID(Array(repeating: 0xFF, count: 20)) ?? .zero

    @Test("Asks the closest first, α at a time, and goes on with what it hears of")
    func order() {
        var lookup = lookup([90, 50, 70, 60])
        #expect(askAll(&lookup) == [contact(50), contact(60)])
        lookup.answered(contact(50), with: [contact(10), contact(80)], hasToken: false, except: stranger)
        #expect(askAll(&lookup) == [contact(10)])
        #expect(!lookup.isFinished)
    }

    @Test("Ends when the k closest live nodes have answered; further ones are not asked")
    func end() {
        var lookup = lookup([1, 2, 3, 4, 5])
        for rank in [1, 2, 3] as [UInt8] {
            _ = askAll(&lookup)
            lookup.answered(contact(rank), with: [], hasToken: true, except: stranger)
        }
        #expect(lookup.isFinished)
        #expect(lookup.next() == nil)
        #expect(lookup.closest(8).map { $0.contact } == [contact(1), contact(2), contact(3)])
        #expect(lookup.closest(1).first?.hasToken == true)
    }

    @Test("A slow node frees its place, an overdue one no longer holds up the end, and a late answer counts")
    func silence() {
        var lookup = lookup([1, 2, 3, 4, 5, 6])
        #expect(askAll(&lookup).count == 2)
        lookup.slow(contact(1).endpoint)
        lookup.slow(contact(2).endpoint)
        #expect(askAll(&lookup) == [contact(3), contact(4)])
        lookup.answered(contact(3), with: [], hasToken: false, except: stranger)
        lookup.answered(contact(4), with: [], hasToken: false, except: stranger)
        #expect(askAll(&lookup) == [contact(5)])
        lookup.answered(contact(5), with: [], hasToken: false, except: stranger)
        #expect(!lookup.isFinished, "the slow ones are closer and may still answer")
        lookup.overdue(contact(1).endpoint)
        lookup.answered(contact(2), with: [], hasToken: false, except: stranger)
        #expect(lookup.isFinished)
        lookup.answered(contact(1), with: [], hasToken: false, except: stranger)
        #expect(lookup.closest(1).first?.contact == contact(1))
    }

    @Test("Nobody to ask, or nobody that answers, is an end too")
    func nobody() {
        let empty = lookup([])
        #expect(empty.isFinished)
        #expect(empty.next() == nil)
        var silent = lookup([1, 2])
        for contact in askAll(&silent) { silent.overdue(contact.endpoint) }
        #expect(silent.isFinished)
        #expect(silent.hops == 0)
    }

    @Test("An entrance without an id is asked first and takes its place when its id is known")
    func entrance() {
        var lookup = lookup([5])
        let entrance = Endpoint(.v4(0x7F00_0100), port: 9)
        lookup.add(entrance: entrance)
        lookup.add(entrance: entrance)
        #expect(lookup.next()?.endpoint == entrance)
        lookup.asked(entrance)
        lookup.answered(
            Contact(id: stranger, endpoint: entrance),
            with: [contact(2)],
            hasToken: false,
            except: stranger
        )
        #expect(lookup.candidates.map { $0.endpoint }.last == entrance)
        #expect(lookup.next()?.contact == contact(2))
    }

    @Test("A flood of invented neighbours is bounded: candidates, queries, and nodes of one /24")
    func flood() {
        var lookup = lookup([255], width: 8)
        _ = askAll(&lookup)
        var random = SplitMix64(seed: 1)
        let invented = (0..<200).map { _ in
            Contact(id: .random(using: &random), endpoint: Endpoint(.v4(0x0808_0800 + .random(in: 1...250)), port: 1))
        }
        lookup.answered(contact(255), with: invented, hasToken: false, except: stranger)
        #expect(lookup.candidates.count <= 1 + Lookup.candidatesOfPrefix)
        for round in 0..<400 as Range<UInt32> {
            guard let next = lookup.next() else { break }
            lookup.asked(next.endpoint)
            let more = (0..<50 as Range<UInt32>).map { number in
                Contact(
                    id: .random(using: &random),
                    endpoint: Endpoint(.v4(0x0A00_0000 + round * 64 + number), port: 1)
                )
            }
            lookup.answered(next.contact, with: more, hasToken: false, except: stranger)
            #expect(lookup.candidates.count <= Lookup.maximumCandidates)
        }
        #expect(lookup.queries <= Lookup.maximumQueries)
    }

    // MARK: - Nodes that somebody put there

    /// An id at distance `rank` whose beginning does not fit the address.
    private func unbound(_ rank: UInt8) -> Contact { contact(rank, address: 0x0B00_0001 + UInt32(rank) << 8) }

    /// Ids that fit, of networks of their own, furthest first.
    private func bound(_ count: Int) -> [Contact] {
        var random = SplitMix64(seed: 4)
        let all = (0..<count).map { number in
            let address = IPAddress.v4(0x0C00_0001 + UInt32(number) << 8)
            return Contact(id: .secured(for: address, using: &random), endpoint: Endpoint(address, port: 1))
        }
        return all.sorted { $1.id ^ target < $0.id ^ target }
    }

    @Test("BEP 42: ids taken at will are asked, k of them at most, and not one of the k that end a search")
    func unboundNodes() {
        let honest = bound(6)
        var lookup = Lookup(
            target: target,
            family: .v4,
            width: 3,
            parallelism: 8,
            from: honest + (1...20).map { unbound($0) }
        )
        var asked: [Contact] = []
        while !lookup.isFinished {
            let next = askAll(&lookup)
            guard !next.isEmpty else { break }
            asked += next
            for contact in next { lookup.answered(contact, with: [], hasToken: true, except: stranger) }
        }
        #expect(lookup.isFinished)
        #expect(asked.filter { honest.contains($0) }.count >= 3)
        #expect(asked.count <= 3 + 3 + 2, "the strangers near the target are a few questions more")
        let stores = lookup.closest(3).map { $0.contact }
        #expect(Set(honest.suffix(3)).isSubset(of: stores), "what is put reaches the honest nodes")
    }

    @Test("Of one /24 three nodes are asked, and a closer one takes the place of one that nobody has asked yet")
    func crowdedNetwork() {
        func neighbour(_ rank: UInt8) -> Contact { contact(rank, address: 0x0B00_0000 + UInt32(rank)) }
        var lookup = Lookup(
            target: target,
            family: .v4,
            width: 8,
            parallelism: 8,
            from: (10...40).map { neighbour($0) }
        )
        #expect(lookup.candidates.map { $0.contact } == [10, 11, 12].map { neighbour($0) })
        lookup.asked(neighbour(10).endpoint)
        lookup.answered(neighbour(10), with: [neighbour(5), neighbour(60)], hasToken: false, except: stranger)
        #expect(lookup.candidates.map { $0.contact } == [5, 10, 11].map { neighbour($0) })
    }
}
