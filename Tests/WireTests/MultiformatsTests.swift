// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing
import Wire

@Suite("Multiformats")
struct MultiformatsTests {
    private struct VarintCase: Decodable {
        var value: UInt64
        var hex: String
    }

    private struct CIDCase: Decodable {
        var codec: String
        var cid: String
        var cid_bytes: String
    }

    @Test("unsigned-varint: the examples of its specification, both ways")
    func varints() throws {
        for vector in try Vectors.json("multiformats/unsigned-varint.json", as: [VarintCase].self) {
            var bytes: [UInt8] = []
            UnsignedVarint.append(vector.value, to: &bytes)
            #expect(Hex.encode(bytes) == vector.hex)
            var reader = ByteReader(bytes)
            #expect(UnsignedVarint.read(from: &reader) == vector.value)
            #expect(reader.isAtEnd)
        }
    }

    @Test(
        "unsigned-varint: cut short, padded or longer than 9 bytes is refused, and nothing is taken",
        arguments: ["", "80", "8000", "ff8000", "8180808080808080808001", "ffffffffffffffffff01", "808080808080808080"]
    )
    func refusedVarints(hex: String) throws {
        let bytes = try #require(Hex.decode(hex))
        var reader = ByteReader(bytes)
        #expect(UnsignedVarint.read(from: &reader) == nil)
        #expect(reader.remaining.elementsEqual(bytes))
    }

    @Test("unsigned-varint: 2^63 − 1 takes 9 bytes")
    func greatestVarint() {
        var bytes: [UInt8] = []
        UnsignedVarint.append(UnsignedVarint.maximum, to: &bytes)
        #expect(Hex.encode(bytes) == "ffffffffffffffff7f")
        var reader = ByteReader(bytes)
        #expect(UnsignedVarint.read(from: &reader) == UnsignedVarint.maximum)
    }

    @Test("multibase: every base of the published tables, both ways", arguments: ["basic", "leading_zero"])
    func bases(table: String) throws {
        let lines = try Vectors.text("multiformats/multibase-\(table).csv").split(separator: "\n")
        let expected = Array((table == "basic" ? "yes mani !" : "\0yes mani !").utf8)
        var checked = 0
        for line in lines.dropFirst() {
            let text = String(line.split(separator: "\"", omittingEmptySubsequences: false)[1])
            let prefix = try #require(text.unicodeScalars.first)
            let base = try #require(Multibase(rawValue: prefix), "\(line)")
            #expect("\(base)" == line.prefix { $0 != "," })
            #expect(base.encodeWithPrefix(expected) == text)
            #expect(Multibase.decodeWithPrefix(text) == expected)
            checked += 1
        }
        #expect(checked == Multibase.allCases.count)
    }

    @Test("multibase: what no bytes encode to is refused")
    func refusedTexts() {
        for text in [
            "", "?abc", "ba", "baaa1", "bab", "cme", "cme=======", "cme======x", "mYQ=", "MYQ", "MYQ=", "mYR", "MYR==",
            "z0", "zO", "f0", "0011", "🚀a", "h0",
        ] {
            #expect(Multibase.decodeWithPrefix(text) == nil, "\(text)")
        }
        #expect(Multibase.decodeWithPrefix("z" + String(repeating: "1", count: 1025)) == nil)
    }

    @Test("CID: bytes and text of version 1 from the codec fixtures")
    func contentIDs() throws {
        let codecs: [String: CID.Codec] = ["raw": .raw, "dag-pb": .dagPB, "dag-cbor": .dagCBOR, "dag-json": .dagJSON]
        for vector in try Vectors.json("multiformats/cid-v1.json", as: [CIDCase].self) {
            let id = try #require(CID(vector.cid))
            #expect(Hex.encode(id.bytes) == vector.cid_bytes)
            #expect(id.description == vector.cid)
            #expect(id.codec == codecs[vector.codec])
            #expect(CID(id.bytes) == id)
        }
    }

    @Test("CID: version 0 is a bare SHA-256 multihash in base58")
    func versionZero() throws {
        // The empty directory of IPFS, a constant of its documentation.
        let text = "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"
        let id = try #require(CID(text))
        #expect(id.version == .v0)
        #expect(id.codec == .dagPB)
        #expect(id.hash.code == .sha2x256)
        #expect(id.description == text)
        #expect(CID(Multibase.base32.encodeWithPrefix(id.bytes)) == nil)
        #expect(CID([0x12, 0x20]) == nil)
        #expect(CID([2] + Array(id.bytes)) == nil)
    }

    @Test("Damaged ids give an id that writes the same bytes, or none: 4,000 seeded cases")
    func hostile() throws {
        let id = CID(.raw, hash: Multihash(sha256: .zero))
        for bytes in HostileInput.mutations(of: id.bytes, count: 3000, seed: 6) + HostileInput.truncations(of: id.bytes)
        {
            if let read = CID(bytes) { #expect(read.bytes == bytes) }
            if let read = Multihash(bytes) { #expect(read.bytes == bytes) }
        }
        for bytes in HostileInput.mutations(of: Array(id.description.utf8), count: 1000, seed: 7) {
            let text = String(decoding: bytes, as: UTF8.self)
            if let read = CID(text) { #expect(CID(read.description) == read) }
        }
    }
}
