// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Testing
internal import Wire

/// `docs/protocols/zone-announcement.md` §2.
@Suite struct PeerRecordTests {
    private let key = SigningKey(seed: Array(repeating: 7, count: 32))
    private let endpoint = Endpoint(.v4(0x0102_0304), port: 6881)

    private func signed(_ addresses: [PeerAddress], life: UInt64 = 180) throws -> PeerRecord {
        let key = try #require(key)
        return try #require(
            PeerRecord.signed(by: key, network: [1, 2], sequence: 5, life: life, addresses: addresses, at: 1000)
        )
    }

    @Test("what was signed is read, and kinds of addresses that nobody knows are kept as they came")
    func reading() throws {
        let onion = PeerAddress(kind: "onion", value: [9, 9, 9])
        let record = try signed([PeerAddress(endpoint), onion])
        let read = try PeerRecord(reading: record.bytes)
        #expect(read == record)
        #expect(read.addresses == [PeerAddress(endpoint), onion] && read.endpoints == [endpoint])
        #expect(read.sequence == 5 && read.life == 180 && read.network == [1, 2] && read.expires == 1180)
        #expect(read.issuer == key?.publicKey && !read.isWithdrawn)
        #expect(try signed([]).isWithdrawn)
    }

    @Test("a record of eight addresses fits a datagram, a ninth is left out, a life is brought into its bounds")
    func bounds() throws {
        let many = (0..<9 as Range<UInt16>).map { PeerAddress(Endpoint(.v6(high: 1, low: 2), port: 1 + $0)) }
        let record = try signed(many, life: 1_000_000)
        #expect(record.addresses.count == 8 && record.bytes.count <= 500)
        #expect(record.life == 3600 && record.expires == 4600)
    }

    @Test("whatever byte is changed, the record is refused")
    func changed() throws {
        let bytes = try signed([PeerAddress(endpoint)]).bytes
        for index in bytes.indices {
            var forged = bytes
            forged[index] ^= 1
            #expect(throws: RecordError.self) { try PeerRecord(reading: forged) }
        }
    }

    /// Signed by the issuer itself, and wrong all the same.
    private func refusal(_ change: (inout Record) -> Void) throws -> RecordError? {
        let key = try #require(key)
        var record = Record(
            type: "peer",
            issuer: key.publicKey,
            notBefore: 1000,
            expires: 1180,
            body: ["addrs": [["ip", .bytes(endpoint.compact)]], "life": 180, "seq": 1]
        )
        change(&record)
        do throws(RecordError) {
            _ = try PeerRecord(reading: SignedRecord(record, by: key).bytes)
            return nil
        } catch { return error }
    }

    @Test("a record out of bounds is refused although its issuer has signed it")
    func outOfBounds() throws {
        #expect(try refusal { _ in } == nil)
        #expect(try refusal { $0.type = "pear" } == .wrongType(received: "pear"))
        #expect(try refusal { $0.expires = nil } == .invalidField("expires"))
        #expect(try refusal { $0.expires = 999 } == .invalidField("expires"))
        #expect(try refusal { $0.expires = 5000 } == .invalidField("expires"))
        #expect(try refusal { $0.critical = ["later"] } == .unknownCriticalKey("later"))
        let addresses: [CBOR] = [
            .null, .array(Array(repeating: ["ip", .bytes([1, 2, 3, 4, 0, 5])], count: 9)),
            [["ip", .bytes([1, 2, 3])]],
            [["IP", .bytes([1])]], [["", .bytes([1])]], [["dns", .bytes([])]], [["ip"]],
            [["onion", .bytes(Array(repeating: 1, count: 129))]],
        ]
        for value in addresses {
            let error = try refusal { $0.body = ["addrs": value, "life": 180, "seq": 1] }
            #expect(error == .invalidField("addrs"), "\(value)")
        }
        for life in [0, 9, 3601] as [UInt64] {
            let error = try refusal { $0.body = ["addrs": [], "life": .unsigned(life), "seq": 1] }
            #expect(error == .invalidField("life"))
        }
        let padding = CBOR.bytes(Array(repeating: 0, count: 900))
        let large = try refusal { $0.body = ["addrs": [], "life": 180, "seq": 1, "x": padding] }
        #expect(large == .malformed(.tooLarge(limit: 1000)))
    }

    @Test("a clock that is ten minutes wrong still takes a record, one that is further off does not")
    func clocks() throws {
        let record = try signed([PeerAddress(endpoint)])
        #expect(record.isCurrent(at: 1000) && record.isCurrent(at: 400) && record.isCurrent(at: 1779))
        #expect(!record.isCurrent(at: 399) && !record.isCurrent(at: 1780) && !record.isCurrent(at: .max))
    }
}
