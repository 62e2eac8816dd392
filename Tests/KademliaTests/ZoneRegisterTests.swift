// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Testing
internal import Wire

@testable internal import Kademlia

/// `docs/protocols/zone-announcement.md` §5.
@Suite struct ZoneRegisterTests {
    private func record(
        _ number: UInt16,
        _ sequence: UInt64 = 1,
        at address: UInt32? = nil,
        withdrawn: Bool = false
    ) throws -> PeerRecord {
        let key = try #require(
            SigningKey(seed: [UInt8(number >> 8), UInt8(number & 255)] + Array(repeating: 3, count: 30))
        )
        let endpoint = Endpoint(.v4(address ?? 0x0B00_0001 + UInt32(number) << 8), port: 6881)
        let addresses = withdrawn ? [] : [PeerAddress(endpoint)]
        return try #require(
            PeerRecord.signed(by: key, network: [1], sequence: sequence, life: 60, addresses: addresses, at: 1000)
        )
    }

    @Test("only a higher number takes the place of a record, and only news is news")
    func order() throws {
        var register = ZoneRegister(capacity: 4)
        #expect(try register.admit(record(1, 5), age: .zero, now: .zero) == .news)
        #expect(try register.admit(record(1, 5), age: .zero, now: .zero) == .old)
        #expect(try register.admit(record(1, 4), age: .zero, now: .zero) == .old)
        #expect(try register.admit(record(1, 6), age: .zero, now: .zero) == .refreshed)
        #expect(try register.admit(record(1, 7, at: 0x0C00_0001), age: .zero, now: .zero) == .news)
        #expect(try register.admit(record(1, 8, withdrawn: true), age: .zero, now: .zero) == .news)
        #expect(register.memberCount == 0)
        // Who is not known need not say that he has gone.
        #expect(try register.admit(record(2, withdrawn: true), age: .zero, now: .zero) == .refused)
    }

    @Test("a record goes when nothing newer came in its life, whoever passed it on, and does not come back")
    func ends() throws {
        var register = ZoneRegister(capacity: 4)
        #expect(try register.admit(record(1, 5), age: .seconds(20), now: .seconds(100)) == .news)
        #expect(register.earliest == .seconds(140))
        register.expire(now: .seconds(139))
        #expect(register.memberCount == 1)
        register.expire(now: .seconds(140))
        #expect(register.memberCount == 0)
        // Replayed, by somebody who says that it is young.
        #expect(try register.admit(record(1, 5), age: .zero, now: .seconds(141)) == .old)
        #expect(try register.admit(record(1, 6), age: .zero, now: .seconds(141)) == .news)
        #expect(try register.admit(record(2, 6), age: .seconds(60), now: .seconds(141)) == .refused)
    }

    @Test("who signs again and again is heard four times at once, then once in ten seconds")
    func floods() throws {
        var register = ZoneRegister(capacity: 4)
        var heard = 0
        for number in 1...200 as ClosedRange<UInt64> {
            let admission = try register.admit(record(1, number), age: .zero, now: .milliseconds(100 * Int64(number)))
            if admission != .refused { heard += 1 }
        }
        #expect(heard == 5)
    }

    @Test("a full zone takes nobody else, unless one network has more than its share of it")
    func crowds() throws {
        var register = ZoneRegister(capacity: 4)
        for number in 1...4 as ClosedRange<UInt16> { _ = try register.admit(record(number), age: .zero, now: .zero) }
        #expect(try register.admit(record(5), age: .zero, now: .zero) == .refused)
        #expect(register.count == 4)
        register = ZoneRegister(capacity: 4)
        _ = try register.admit(record(1), age: .zero, now: .zero)
        for number in 2...4 as ClosedRange<UInt16> {
            _ = try register.admit(record(number, at: 0x0D00_0000 + UInt32(number)), age: .zero, now: .zero)
        }
        #expect(try register.admit(record(5), age: .zero, now: .zero) == .news)
        #expect(try register.admit(record(6), age: .zero, now: .zero) == .news)
        #expect(try register.admit(record(7), age: .zero, now: .zero) == .refused)
        #expect(try register.count == 4 && register.record(of: record(1).zoneID) != nil)
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
}
