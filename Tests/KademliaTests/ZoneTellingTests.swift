// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Testing
internal import Wire

@testable internal import Kademlia

/// How often a record is told of (`docs/protocols/zone-announcement.md` §4).
@Suite struct ZoneTellingTests {
    private static let wall: UInt64 = 1_800_000_000
    private static let partners = (1...40).map { Endpoint(.v4(0x0C00_0001 + UInt32($0) << 8), port: 6881) }

    private func record(_ number: UInt8, _ sequence: UInt64 = 1) throws -> PeerRecord {
        let key = try #require(SigningKey(seed: Array(repeating: number, count: 32)))
        let address = PeerAddress(Endpoint(.v4(0x0B00_0001 + UInt32(number) << 8), port: 6881))
        return try #require(
            PeerRecord.signed(by: key, network: [1], sequence: sequence, life: 180, addresses: [address], at: Self.wall)
        )
    }

    /// Whom a node tells of that record in the five seconds after it came, and when.
    private func told(of record: PeerRecord, _ machine: inout ZoneMachine, at start: Instant) -> [Instant: [Endpoint]] {
        var generator = SecretGenerator(seed: Array(repeating: 9, count: 32))
        let digest = ZoneDigest(id: record.zoneID, sequence: record.sequence)
        let item = ZoneItem(age: 0, bytes: record.bytes)
        let query = ZoneQuery(tag: machine.tag, token: [1], kind: .tell([digest], own: item, back: []))
        _ = machine.answer(query, from: Self.partners[0], isProven: true, random: 0, now: start)
        var told: [Instant: [Endpoint]] = [:]
        for step in 0...50 {
            let now = start + .milliseconds(100 * step)
            for action in machine.tick(now: now, contacts: Self.partners, endpoints: [], using: &generator) {
                guard case .ask(let query, let partner) = action, case .tell(let digests, nil, _) = query.kind,
                    digests.contains(digest)
                else { continue }
                told[now - start, default: []].append(partner)
            }
        }
        return told
    }

    @Test("news is told to five at once and to five two seconds later, what is only newer to five within two seconds")
    func twice() throws {
        var machine = ZoneMachine(ZoneConfiguration(network: [1]), now: .zero)
        machine.announce(try record(1), wall: Self.wall, now: .zero)
        let news = told(of: try record(2), &machine, at: .seconds(10))
        #expect(news.mapValues { Set($0).count } == [.milliseconds(200): 5, .milliseconds(2200): 5])
        #expect(Set(news.values.joined()).count > 5)
        let newer = told(of: try record(2, 2), &machine, at: .seconds(20))
        #expect(newer.mapValues { Set($0).count } == [.seconds(2): 5])
    }
}
