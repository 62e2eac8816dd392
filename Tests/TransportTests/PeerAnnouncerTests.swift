// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Testing
internal import Wire

@testable internal import Kademlia
@testable internal import Transport

/// S3-011: what a node says of itself to its zone, by a clock that may be wrong.
@Suite struct PeerAnnouncerTests {
    private let endpoint = Endpoint(.v4(0x0A00_0001), port: 6881)

    private func announcer() throws -> PeerAnnouncer {
        PeerAnnouncer(key: try #require(SigningKey(seed: Array(repeating: 7, count: 32))), network: [1, 2])
    }

    @Test("records and the parting word are numbered by the clock, in milliseconds")
    func clock() throws {
        let time = PeerAnnouncer.Time(milliseconds: 1_790_000_000_123)
        let request = PeerRecordRequest(above: 5, endpoints: [endpoint], life: 180)
        let record = try #require(try announcer().record(for: request, at: time))
        #expect(record.sequence == 1_790_000_000_123 && record.endpoints == [endpoint] && record.life == 180)
        let parting = try #require(try announcer().parting(above: 5, at: time))
        #expect(parting.sequence == 1_790_000_000_123 && parting.isWithdrawn)
    }

    @Test("where the clock went back they still go above the last record, for nobody would take them else")
    func clockWentBack() throws {
        let time = PeerAnnouncer.Time(milliseconds: 1_790_000_000_123)
        let above: UInt64 = 1_790_000_900_000
        let request = PeerRecordRequest(above: above, endpoints: [endpoint], life: 180)
        #expect(try announcer().record(for: request, at: time)?.sequence == above + 1)
        #expect(try announcer().parting(above: above, at: time)?.sequence == above + 1)
        #expect(try announcer().parting(above: .max, at: time)?.sequence == .max)
    }

    @Test("a node that does not know where it is reached says nothing")
    func nothingToSay() throws {
        let request = PeerRecordRequest(above: 0, endpoints: [], life: 180)
        #expect(try announcer().record(for: request, at: PeerAnnouncer.Time(milliseconds: 1)) == nil)
    }
}
