// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing
import Wire

@Suite("Deterministic CBOR (RFC 8949 §4.2.1)")
struct CBORTests {
    private struct Case: Decodable {
        var hex: String
        var roundtrip: Bool
    }

    /// Floats, tags, undefined and simple values are well-formed in general; here they are left out.
    private func isOfOurSubset(_ vector: Case, _ bytes: [UInt8]) -> Bool {
        vector.roundtrip && (bytes[0] >> 5 < 6 || (0xF4...0xF6).contains(bytes[0]))
    }

    @Test(
        "RFC 8949 appendix A: what is deterministic and of our subset reads and writes the same bytes; the rest is refused"
    )
    func appendixA() throws {
        for vector in try Vectors.json("cbor/rfc8949-appendix-a.json", as: [Case].self) {
            let bytes = try #require(Hex.decode(vector.hex))
            if isOfOurSubset(vector, bytes) {
                #expect(try CBOR.decode(bytes).encoded == bytes, "\(vector.hex)")
            } else {
                #expect(throws: CBORError.self, "\(vector.hex)") { try CBOR.decode(bytes) }
            }
        }
    }

    @Test(
        "RFC 8949 appendix A: values",
        arguments: [
            ("00", 0), ("17", 23), ("1818", 24), ("1903e8", 1000), ("1b000000e8d4a51000", 1_000_000_000_000),
            ("1bffffffffffffffff", .unsigned(.max)), ("3bffffffffffffffff", .negative(.max)), ("20", -1),
            ("3903e7", -1000),
            ("f4", false), ("f5", true), ("f6", nil), ("40", .bytes([UInt8]())), ("4401020304", .bytes([1, 2, 3, 4])),
            ("60", ""), ("62225c", "\"\\"), ("62c3bc", "\u{fc}"), ("64f0908591", "\u{10151}"),
            ("8301820203820405", [1, [2, 3], [4, 5]]), ("a201020304", [1: 2, 3: 4]),
            ("a26161016162820203", ["b": [2, 3], "a": 1]), ("826161a161626163", ["a", ["b": "c"]]),
        ] as [(String, CBOR)]
    )
    func values(hex: String, value: CBOR) throws {
        let bytes = try #require(Hex.decode(hex))
        #expect(value.encoded == bytes)
        #expect(try CBOR.decode(bytes) == value)
    }

    @Test(
        "What has a second encoding, or is outside the subset, is refused with its reason",
        arguments: [
            ("", .truncated(offset: 0)), ("18", .truncated(offset: 0)), ("4401", .truncated(offset: 1)),
            ("1817", .notShortest(offset: 0)), ("1900ff", .notShortest(offset: 0)),
            ("1a0000ffff", .notShortest(offset: 0)),
            ("1b00000000ffffffff", .notShortest(offset: 0)), ("5800", .notShortest(offset: 0)),
            ("8118010a", .notShortest(offset: 1)),
            ("5fff", .indefiniteLength(offset: 0)), ("9fff", .indefiniteLength(offset: 0)),
            ("bfff", .indefiniteLength(offset: 0)),
            ("f93c00", .unsupported(initialByte: 0xF9, offset: 0)),
            ("c101", .unsupported(initialByte: 0xC1, offset: 0)),
            ("f7", .unsupported(initialByte: 0xF7, offset: 0)), ("f8ff", .unsupported(initialByte: 0xF8, offset: 0)),
            ("ff", .unsupported(initialByte: 0xFF, offset: 0)), ("1c", .unsupported(initialByte: 0x1C, offset: 0)),
            ("62c328", .invalidText(offset: 1)), ("63eda080", .invalidText(offset: 1)),
            ("a2616101616102", .duplicateKey(offset: 4)), ("a2616201616102", .unsortedKeys(offset: 4)),
            ("a26261610161620a", .unsortedKeys(offset: 5)), ("0000", .trailingBytes(offset: 1)),
            ("9bffffffffffffffff", .truncated(offset: 9)), ("bb7fffffffffffffff", .truncated(offset: 9)),
            ("5bffffffffffffffff", .truncated(offset: 9)),
        ] as [(String, CBORError)]
    )
    func refusals(hex: String, error: CBORError) throws {
        let bytes = try #require(Hex.decode(hex))
        #expect(throws: error) { try CBOR.decode(bytes) }
    }

    @Test("Keys order by their encoding: shorter texts first, and texts that differ only in normal form are two keys")
    func keyOrder() throws {
        let composed = "\u{e9}"
        let decomposed = "e\u{301}"
        let map = try #require(CBORMap([(.text(composed), 1), (.text(decomposed), 2), ("b", 3), ("aa", 4), (10, 5)]))
        #expect(map.entries.map(\.value) == [5, 3, 4, 1, 2])
        #expect(map[composed] == 1)
        #expect(map[decomposed] == 2)
        #expect(try CBOR.decode(CBOR.map(map).encoded) == .map(map))
        #expect(CBORMap([("a", 1), ("a", 2)]) == nil)
    }

    @Test("A map's entries are set, replaced and removed in order")
    func mutation() {
        var map = CBORMap()
        map["v"] = 1
        map["type"] = "x"
        map["v"] = 2
        #expect(CBOR.map(map) == ["type": "x", "v": 2])
        map["type"] = nil
        #expect(map.entries.map(\.key) == ["v"])
    }

    @Test("Depth, size and number of values are bounded")
    func bounds() {
        let deep = [UInt8](repeating: 0x81, count: 17) + [0]
        #expect(throws: CBORError.tooDeep(limit: 16)) { try CBOR.decode(deep) }
        #expect(throws: Never.self) { try CBOR.decode(deep.dropFirst()) }
        #expect(throws: CBORError.tooLarge(limit: 3)) { try CBOR.decode([0x83, 1, 2, 3], limits: .init(bytes: 3)) }
        #expect(throws: CBORError.tooManyValues(limit: 3)) {
            try CBOR.decode([0x83, 1, 2, 3], limits: .init(values: 3))
        }
        let endless = [UInt8](repeating: 0x81, count: 65_536)
        #expect(throws: CBORError.tooDeep(limit: 128)) { try CBOR.decode(endless, limits: .init(depth: 128)) }
    }

    @Test("Damaged values give an error or encode back to the same bytes: 6,000 seeded cases")
    func hostile() {
        let sample: CBOR = [
            "type": "peer", "v": 1, "network": .bytes([UInt8](repeating: 7, count: 32)), "expires": 1_800_000_000,
            "crit": [],
            "body": ["addresses": ["a", -5, true, nil], 300: .bytes([1, 2, 3])],
        ]
        let bytes = sample.encoded
        for damaged in HostileInput.mutations(of: bytes, count: 6000, seed: 5) + HostileInput.truncations(of: bytes) {
            guard let value = try? CBOR.decode(damaged) else { continue }
            #expect(value.encoded == damaged)
        }
    }
}
