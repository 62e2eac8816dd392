// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Testing
internal import Wire

@testable internal import Kademlia

/// What comparing finds, and when it ends (`docs/protocols/zone-announcement.md` §3, §4).
@Suite struct ZoneComparingTests {
    private func record(_ number: UInt16) throws -> PeerRecord {
        let key = try #require(
            SigningKey(seed: [UInt8(number >> 8), UInt8(number & 255)] + Array(repeating: 3, count: 30))
        )
        let address = PeerAddress(Endpoint(.v4(0x0B00_0001 + UInt32(number) << 8), port: 6881))
        return try #require(
            PeerRecord.signed(by: key, network: [1], sequence: 1, life: 60, addresses: [address], at: 1000)
        )
    }

    @Test("comparing shows whole buckets that differ, as many as fit, and goes on until all were shown")
    func comparing() throws {
        var register = ZoneRegister(capacity: 1024)
        var other = ZoneRegister(capacity: 1024)
        for number in 1...200 as ClosedRange<UInt16> {
            _ = try register.admit(record(number), age: .zero, now: .zero)
            if number % 2 == 0 { _ = try other.admit(record(number), age: .zero, now: .zero) }
        }
        var found: Set<UInt64> = []
        var (from, rounds) = (7, 0)
        while rounds < 20 {
            rounds += 1
            let (digests, next) = register.differing(from: other.allSums(), beginning: from, random: 0)
            #expect(digests.count <= ZoneSpecification.maximumDigests)
            found.formUnion(digests.map { $0.id })
            guard let next else { break }
            from = next
            // As when what was shown has been fetched.
            for number in 1...200 as ClosedRange<UInt16> {
                let record = try record(number)
                if found.contains(record.zoneID) { _ = other.admit(record, age: .zero, now: .zero) }
            }
        }
        for number in stride(from: 1, to: 200, by: 2) {
            #expect(found.contains(try record(UInt16(number)).zoneID))
        }
        #expect(rounds < 8)
        for number in 1...200 as ClosedRange<UInt16> { _ = try other.admit(record(number), age: .zero, now: .zero) }
        #expect(register.differing(from: other.allSums(), beginning: 0, random: 0).digests.isEmpty)
    }

    @Test("who always has more to show is asked once around the buckets")
    func endless() throws {
        let network = ZoneConfiguration(network: [1])
        for brings in [true, false] {
            var machine = ZoneMachine(network, now: .zero)
            machine.announce(try record(1), wall: 1000, now: .zero)
            var from = 7
            var question = ZoneQuery(
                tag: network.tag,
                token: [1],
                kind: .compare(Array(repeating: 0, count: 64), from: from)
            )
            var asked = 1
            while asked < 500 {
                var answer = ZoneAnswer(isActedOn: true)
                from = (from + 1) % 64
                answer.next = from
                if brings { answer.digests = [ZoneDigest(id: UInt64(asked), sequence: 1)] }
                let actions = machine.answered(question, with: answer, token: nil, from: NodeBench.stranger, now: .zero)
                let next = actions.compactMap { action -> ZoneQuery? in
                    guard case .ask(let query, _) = action, case .compare = query.kind else { return nil }
                    return query
                }
                guard let first = next.first else { break }
                question = first
                asked += 1
            }
            #expect(asked <= (ZoneSpecification.buckets))
        }
    }
}
