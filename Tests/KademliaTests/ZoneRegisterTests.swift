// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import OrderedCollections
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Kademlia

/// `docs/protocols/zone-announcement.md` §5.
@Suite struct ZoneRegisterTests {
    private func record(
        _ number: UInt16,
        _ sequence: UInt64 = 1,
        at address: UInt32? = nil,
        withdrawn: Bool = false,
        date: UInt64 = 1000
    ) throws -> PeerRecord {
        let key = try #require(
            SigningKey(seed: [UInt8(number >> 8), UInt8(number & 255)] + Array(repeating: 3, count: 30))
        )
        let endpoint = Endpoint(.v4(address ?? 0x0B00_0001 + UInt32(number) << 8), port: 6881)
        let addresses = withdrawn ? [] : [PeerAddress(endpoint)]
        return try #require(
            PeerRecord.signed(by: key, network: [1], sequence: sequence, life: 60, addresses: addresses, at: date)
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

    @Test("a full zone lets go whoever missed a renewal, the longest overdue first, and takes him back with his next")
    func overdue() throws {
        var register = ZoneRegister(capacity: 4)
        for number in 1...4 as ClosedRange<UInt16> {
            _ = try register.admit(record(number), age: .seconds(12 - 3 * Int64(number)), now: .seconds(100))
        }
        // Half a life is a pause and a half.
        #expect(try register.admit(record(5), age: .zero, now: .seconds(120)) == .refused)
        #expect(try register.admit(record(2, 2, date: 1029), age: .zero, now: .seconds(123)) == .refreshed)
        #expect(try register.admit(record(5), age: .zero, now: .seconds(125)) == .news)
        #expect(try register.admit(record(6), age: .zero, now: .seconds(125)) == .refused)
        #expect(try register.record(of: record(1).zoneID) == nil)
        #expect(try register.admit(record(6), age: .zero, now: .seconds(126)) == .refused)
        #expect(try register.admit(record(6), age: .zero, now: .seconds(128)) == .news)
        #expect(try register.record(of: record(3).zoneID) == nil)
        // The same again is not a sign of life; the next one is.
        #expect(try register.admit(record(1), age: .zero, now: .seconds(128)) == .old)
        #expect(try register.admit(record(1, 2), age: .zero, now: .seconds(131)) == .news)
        #expect(try register.record(of: record(4).zoneID) == nil)
        for number in [1, 2, 5, 6] as [UInt16] { #expect(try register.record(of: record(number).zoneID) != nil) }
    }

    @Test("no flood of one network's records moves members who renew, be they young or about to renew again")
    func floodOfOne() throws {
        var register = ZoneRegister(capacity: 32)
        for number in 0..<8 as Range<UInt16> { _ = try register.admit(record(number), age: .zero, now: .zero) }
        var refused = 0
        for second in 1...60 as ClosedRange<Int64> {
            // Each member renews every 20 s.
            let member = UInt16(second % 20)
            if member < 8 {
                let renewed = try record(member, UInt64(second) + 1, date: 1000 + UInt64(second))
                #expect(register.admit(renewed, age: .zero, now: .seconds(second)) == .refreshed)
            }
            for number in 0..<4 as Range<UInt16> {
                let number = 1000 + UInt16(second) * 4 + number
                let hostile = try record(number, at: 0x0D00_0000 + UInt32(number & 255), date: 1000 + UInt64(second))
                if register.admit(hostile, age: .zero, now: .seconds(second)) == .refused { refused += 1 }
            }
            register.expire(now: .seconds(second))
            #expect(register.count <= 32)
        }
        for number in 0..<8 as Range<UInt16> { #expect(try register.record(of: record(number).zoneID) != nil) }
        #expect(refused > 150)
        #expect(try register.admit(record(9), age: .zero, now: .seconds(61)) == .news)
    }

    @Test("who passes on a renewal cannot make it look older than its issuer's own dates have it")
    func liesOfAge() throws {
        var register = ZoneRegister(capacity: 4)
        #expect(try register.admit(record(1), age: .zero, now: .seconds(100)) == .news)
        #expect(try register.admit(record(1, 2, date: 1020), age: .seconds(59), now: .seconds(121)) == .refreshed)
        #expect(register.entries.values.first?.signed == .seconds(120))
        // A date that is ahead makes nothing younger than it can be.
        #expect(try register.admit(record(1, 3, date: .max - 100), age: .seconds(30), now: .seconds(140)) == .refreshed)
        #expect(register.entries.values.first?.signed == .seconds(140))
        // Without a later date, what is said counts.
        #expect(try register.admit(record(1, 4, date: 500), age: .seconds(5), now: .seconds(150)) == .refreshed)
        #expect(register.entries.values.first?.signed == .seconds(145))
    }

    @Test("what is counted of networks and of those who have gone stays right, whatever comes and goes")
    func counts() throws {
        var register = ZoneRegister(capacity: 16)
        var random = SplitMix64(seed: 5)
        for step in 1...600 as ClosedRange<Int64> {
            let number = UInt16.random(in: 0..<40, using: &random)
            let place = UInt32.random(in: 0..<5, using: &random) << 8
            let record = try record(
                number,
                UInt64(step),
                at: 0x0B00_0001 + place,
                withdrawn: step % 7 == 0,
                date: 1000 + UInt64(step)
            )
            _ = register.admit(record, age: .zero, now: .seconds(step * 2))
            register.expire(now: .seconds(step * 2))
            var expected: [IPAddress?: Int] = [:]
            for entry in register.entries.values {
                expected[entry.record.endpoints.first?.address.prefix, default: 0] += 1
            }
            #expect(register.crowds.most == expected.values.max() ?? 0)
            for (place, count) in expected { #expect(register.crowds.count(place) == count) }
            #expect(register.memberCount == register.entries.values.count { !$0.record.isWithdrawn })
        }
    }
}
