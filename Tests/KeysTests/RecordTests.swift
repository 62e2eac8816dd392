// SPDX-License-Identifier: Apache-2.0
import Keys
import TestSupport
import Testing
import Wire

@Suite("Record envelope")
struct RecordTests {
    private let key: SigningKey

    init() throws {
        key = try #require(SigningKey(seed: Hex.decode(KeyVectors.load().deviceSeed) ?? []))
    }

    private func sample(critical: [String] = [], body: CBORMap? = nil) -> Record {
        Record(
            type: "peer",
            network: Array("mainline".utf8),
            issuer: key.publicKey,
            notBefore: 1_700_000_000,
            expires: 1_700_003_600,
            critical: critical,
            body: body ?? ["roles": ["relay"], "port": 8422]
        )
    }

    @Test("The bytes are those of the second implementation, both ways")
    func vector() throws {
        let bytes = try #require(Hex.decode(KeyVectors.load().record))
        #expect(SignedRecord(sample(), by: key).bytes == bytes)
        let read = try SignedRecord(bytes, type: "peer", understanding: [])
        #expect(read.record == sample())
        #expect(read.bytes == bytes)
        #expect(read.hash == Hash.sha256(bytes))
    }

    @Test("An unknown critical key refuses the record; a known one does not; others are kept")
    func criticalKeys() throws {
        let bytes = SignedRecord(sample(critical: ["quota"]), by: key).bytes
        #expect(throws: RecordError.unknownCriticalKey("quota")) {
            try SignedRecord(bytes, type: "peer", understanding: ["roles", "port"])
        }
        #expect(throws: Never.self) { try SignedRecord(bytes, type: "peer", understanding: ["quota"]) }
        let standard = SignedRecord(sample(critical: ["expires"]), by: key).bytes
        #expect(throws: Never.self) { try SignedRecord(standard, type: "peer", understanding: []) }
        let extended = try envelope { $0["later"] = 7 }
        let read = try SignedRecord(extended, type: "peer", understanding: [])
        #expect(read.bytes == extended)
    }

    @Test("A record of one type or version is not read as another")
    func otherTypes() throws {
        let bytes = SignedRecord(sample(), by: key).bytes
        #expect(throws: RecordError.wrongType(received: "peer")) {
            try SignedRecord(bytes, type: "invite", understanding: [])
        }
        #expect(throws: RecordError.unsupportedVersion(1)) {
            try SignedRecord(bytes, type: "peer", version: 2, understanding: [])
        }
        // The type inside changed, the signature of the old one kept.
        let parts = try #require(try CBOR.decode(bytes).array)
        var map = try #require(try CBOR.decode(parts[0].bytes ?? []).map)
        map["type"] = "invite"
        let forged = CBOR.array([.bytes(CBOR.map(map).encoded), parts[1]]).encoded
        #expect(throws: RecordError.wrongSignature) { try SignedRecord(forged, type: "invite", understanding: []) }
    }

    @Test(
        "A missing key or a value of another kind names the key",
        arguments: ["type", "v", "network", "issuer", "notBefore", "expires", "crit", "body"]
    )
    func fields(name: String) throws {
        let missing = try envelope { $0[name] = nil }
        #expect(throws: RecordError.invalidField(name)) { try SignedRecord(missing, type: "peer", understanding: []) }
        let other = try envelope { $0[name] = false }
        #expect(throws: RecordError.invalidField(name)) { try SignedRecord(other, type: "peer", understanding: []) }
    }

    @Test("Fields out of bounds are refused")
    func bounds() throws {
        let cases: [(String, CBOR)] = [
            ("type", ""), ("type", "Peer"), ("type", .text(String(repeating: "a", count: 33))), ("v", -1),
            ("network", .bytes([UInt8](repeating: 0, count: 65))), ("issuer", .bytes([UInt8](repeating: 0, count: 31))),
            ("crit", [1]), ("crit", .array(Array(repeating: "a", count: 33))),
        ]
        for (name, value) in cases {
            let bytes = try envelope { $0[name] = value }
            #expect(throws: RecordError.invalidField(name)) { try SignedRecord(bytes, type: "peer", understanding: []) }
        }
        let huge = [UInt8](repeating: 0, count: 65_537)
        #expect(throws: RecordError.malformed(.tooLarge(limit: 65_536))) {
            try SignedRecord(huge, type: "peer", understanding: [])
        }
    }

    @Test("Clocks may be ten minutes off at both ends")
    func time() {
        let record = sample()
        #expect(!record.isCurrent(at: 1_700_000_000 - 601))
        #expect(record.isCurrent(at: 1_700_000_000 - 600))
        #expect(record.isCurrent(at: 1_700_003_600 + 599))
        #expect(!record.isCurrent(at: 1_700_003_600 + 600))
        var extreme = record
        (extreme.notBefore, extreme.expires) = (.max, nil)
        #expect(!extreme.isCurrent(at: 0))
        #expect(extreme.isCurrent(at: .max))
        (extreme.notBefore, extreme.expires) = (0, .max)
        #expect(extreme.isCurrent(at: .max))
    }

    @Test("Damaged records are refused with a reason: 4,000 seeded cases")
    func hostile() {
        let bytes = SignedRecord(sample(), by: key).bytes
        let cases = HostileInput.mutations(of: bytes, count: 4000, seed: 23) + HostileInput.truncations(of: bytes)
        for damaged in cases where damaged != bytes {
            #expect(throws: RecordError.self) { try SignedRecord(damaged, type: "peer", understanding: []) }
        }
    }

    /// The sample with one change, signed as it then is.
    private func envelope(_ change: (inout CBORMap) -> Void) throws -> [UInt8] {
        var map = try #require(try CBOR.decode(sample().encoded).map)
        change(&map)
        let payload = CBOR.map(map).encoded
        let signature = key.sign(Array("roost/peer".utf8) + [0] + payload)
        return CBOR.array([.bytes(payload), .bytes(signature)]).encoded
    }
}
