// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Kademlia

/// `docs/protocols/zone-announcement.md` §2 to §4, by a second implementation.
@Suite struct ZoneVectorTests {
    private struct Values: Decodable {
        var network: String
        var tag: String
        var records: [String]
        var mixed: String
        var ids: [String]
        var sums: String
        var tell: String
        var compare: String
        var get: String
        var answer: String
    }

    private func values() throws -> Values { try Vectors.json("roost/zone.json", as: Values.self) }

    private func bytes(_ hex: String) throws -> [UInt8] { try #require(Hex.decode(hex)) }

    private func number(_ hex: String) throws -> UInt64 { try bytes(hex).reduce(0) { $0 << 8 | UInt64($1) } }

    @Test("§2: records are read, and signed to the same bytes")
    func records() throws {
        let values = try values()
        let network = try bytes(values.network)
        #expect(try ZoneConfiguration(network: network).tag == number(values.tag))
        for (index, hex) in values.records.enumerated() {
            let record = try PeerRecord(reading: bytes(hex))
            let key = try #require(SigningKey(seed: Array(repeating: UInt8(index + 1), count: 32)))
            let own = PeerRecord.signed(
                by: key,
                network: network,
                sequence: UInt64(index) + 100,
                life: 180,
                addresses: [PeerAddress(Endpoint(.v4(0x0A00_0000 + UInt32(index)), port: 6881))],
                at: 1_800_000_000
            )
            #expect(own == record)
            #expect(try record.zoneID == number(values.ids[index]))
        }
        let mixed = try PeerRecord(reading: bytes(values.mixed))
        #expect(mixed.endpoints == [Endpoint(.v6(high: 0, low: 1), port: 6881)])
        #expect(mixed.addresses.last == PeerAddress(kind: "onion", value: Array("abc".utf8)))
    }

    @Test("§3: sums of what is held")
    func sums() throws {
        let values = try values()
        var register = ZoneRegister(capacity: 64)
        for hex in values.records { _ = register.admit(try PeerRecord(reading: bytes(hex)), age: .zero, now: .zero) }
        let sums = register.allSums().flatMap { sum in
            (0..<6).map { UInt8(truncatingIfNeeded: sum >> (40 - 8 * $0)) }
        }
        #expect(Hex.encode(sums) == values.sums)
    }

    @Test("§3: messages are read, and written to the same bytes")
    func messages() throws {
        let values = try values()
        for hex in [values.tell, values.compare, values.get, values.answer] {
            let message = try KRPCMessage(parsing: bytes(hex))
            #expect(Hex.encode(message.encoded) == hex)
            switch message.body {
            case .query(let query):
                guard case .zone(let question) = query.method else {
                    Issue.record("no question of a zone: \(query.method)")
                    continue
                }
                #expect(try question.tag == number(values.tag) && question.token == Array("12345678".utf8))
            case .response(let response):
                #expect(response.zone?.next == 5 && response.zone?.digests.count == 1)
                #expect(try response.zone?.items == [ZoneItem(age: 9, bytes: bytes(values.records[1]))])
            default: Issue.record("neither a query nor a response: \(message.body)")
            }
        }
    }
}
