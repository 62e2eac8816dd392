// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestSupport
import Testing
import Wire

@Suite("Bencode (BEP 3)")
struct BencodeTests {
    private struct Cases: Decodable {
        struct Case: Decodable {
            var hex: String
            var note: String
        }
        var accept: [Case]
        var reject: [Case]
    }

    private struct UpstreamCases: Decodable {
        struct Case: Decodable {
            var name: String
            var input_base64: Data
            var input_text: String
            var upstream: String
            var canonical: Bool?
        }
        var cases: [Case]
    }

    @Test("What libtorrent's parser accepts is read, in strict mode where the keys ascend")
    func accepted() throws {
        for vector in try Vectors.json("bencode/bencode.json", as: Cases.self).accept {
            let bytes = try #require(Hex.decode(vector.hex))
            #expect(try Bencode.parse(bytes, mode: .tolerant).raw.elementsEqual(bytes), "\(vector.note)")
            if vector.note.contains("not sorted") {
                #expect(throws: BencodeError.self, "\(vector.note)") { try Bencode.parse(bytes, mode: .strict) }
            } else {
                #expect(try Bencode.parse(bytes, mode: .strict).raw.elementsEqual(bytes), "\(vector.note)")
            }
        }
    }

    @Test("What libtorrent's parser refuses, and negative zero and trailing bytes, is refused in both modes")
    func refused() throws {
        for vector in try Vectors.json("bencode/bencode.json", as: Cases.self).reject {
            let bytes = try #require(Hex.decode(vector.hex))
            #expect(throws: BencodeError.self, "\(vector.note)") { try Bencode.parse(bytes, mode: .strict) }
            #expect(throws: BencodeError.self, "\(vector.note)") { try Bencode.parse(bytes, mode: .tolerant) }
        }
    }

    @Test(
        "The cases of three other programs: canonical ones re-encode to their bytes; integers beyond 64 bits are refused"
    )
    func upstreamCases() throws {
        for vector in try Vectors.json("bencode/bencode_cases.json", as: UpstreamCases.self).cases {
            let bytes = Array(vector.input_base64)
            let tolerant = try? Bencode.parse(bytes, mode: .tolerant)
            let strict = try? Bencode.parse(bytes, mode: .strict)
            let beyond64Bits = vector.input_text.hasPrefix("i604919719469385652980544193299329427705624352086")
            #expect((tolerant != nil) == (vector.upstream == "accept" && !beyond64Bits), "\(vector.input_text)")
            #expect((strict != nil) == (tolerant != nil && vector.canonical == true), "\(vector.input_text)")
            if let strict { #expect(rebuild(strict).encoded == bytes, "\(vector.input_text)") }
        }
    }

    @Test("Values are read as what they are, and as nothing else")
    func values() throws {
        let node = try Bencode.parse(Array("d1:ai-7e1:bl1:x2:yze1:c3:\u{e9}xe".utf8), mode: .strict)
        #expect(node["a"]?.integer == -7)
        #expect(node["a"]?.bytes == nil)
        #expect(node["b"]?.list?.map(\.string) == ["x", "yz"])
        #expect(node["c"]?.string == "\u{e9}x")
        #expect(node["d"] == nil)
        #expect(node.entries?.count == 3)
        #expect(node["b"]?["a"] == nil)
    }

    @Test("A dictionary out of order that repeats a key from further up is refused in tolerant mode too")
    func distantDuplicate() {
        #expect(throws: BencodeError.duplicateKey(offset: 13)) {
            try Bencode.parse(Array("d1:bi1e1:ai2e1:bi3ee".utf8), mode: .tolerant)
        }
    }

    @Test("Nesting, size and number of values are bounded")
    func bounds() {
        let deep = [UInt8](repeating: UInt8(ascii: "l"), count: 200) + [UInt8](repeating: UInt8(ascii: "e"), count: 200)
        #expect(throws: BencodeError.tooDeep(limit: 160)) { try Bencode.parse(deep, mode: .strict) }
        #expect(throws: BencodeError.tooLarge(limit: 399)) {
            try Bencode.parse(deep, mode: .strict, limits: Bencode.Limits(bytes: 399))
        }
        #expect(throws: BencodeError.tooManyValues(limit: 4)) {
            try Bencode.parse(Array("li1ei2ei3ei4ee".utf8), mode: .strict, limits: Bencode.Limits(values: 4))
        }
        let endless = [UInt8](repeating: UInt8(ascii: "9"), count: 100_000)
        #expect(throws: BencodeError.self) { try Bencode.parse(endless, mode: .tolerant) }
    }

    @Test("A prefix is read where BEP 9 puts a block behind the dictionary")
    func prefix() throws {
        let (node, end) = try Bencode.parsePrefix(Array("d5:piecei0eeBLOCK".utf8), mode: .tolerant)
        #expect(node["piece"]?.integer == 0)
        #expect(end == 12)
    }

    @Test("Damaged messages give a value or an error: 6,000 seeded cases, every accepted one consistent")
    func hostile() throws {
        let sample = Array(
            "d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz1234565:filesld6:lengthi7e4:pathl1:a1:beeee1:q9:get_peers1:t2:aa1:y1:qe"
                .utf8
        )
        let cases = HostileInput.mutations(of: sample, count: 6000, seed: 1) + HostileInput.truncations(of: sample)
        for bytes in cases {
            for mode in [Bencode.Mode.strict, .tolerant] {
                guard let node = try? Bencode.parse(bytes, mode: mode) else { continue }
                #expect(node.raw.elementsEqual(bytes))
                if mode == .strict { #expect(rebuild(node).encoded == bytes) }
            }
        }
    }

    private func rebuild(_ node: BencodeNode) -> BencodeValue {
        if let integer = node.integer { return .integer(integer) }
        if let bytes = node.bytes { return .bytes(Array(bytes)) }
        if let list = node.list { return .list(list.map(rebuild)) }
        let entries = (node.entries ?? []).map { (Array($0.key), rebuild($0.value)) }
        return .dictionary(Dictionary(entries) { first, _ in first })
    }
}
