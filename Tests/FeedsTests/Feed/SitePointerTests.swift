// SPDX-License-Identifier: Apache-2.0
import Feeds
import Keys
import TestSupport
import Testing
import Wire

@Suite struct SitePointerTests {
    private struct Magnet: Decodable {
        let magnet: String
        let target: String
    }

    private struct Items: Decodable {
        struct Mutable: Decodable {
            let pk: String
            let salt: String?
            let target: String
        }
        let mutable: [Mutable]
    }

    @Test("BEP 44 and BEP 46: the published targets of mutable items")
    func targets() throws {
        for vector in try Vectors.json("bep46/bep46.json", as: [Magnet].self) {
            let key = try #require(PublicKey(hex: vector.magnet.suffix(64)))
            #expect(SitePointer.target(of: key).hex == vector.target)
        }
        for vector in try Vectors.json("bep44/bep44.json", as: Items.self).mutable {
            let key = try #require(PublicKey(hex: vector.pk))
            let salt = try #require(Hex.decode(vector.salt ?? ""))
            #expect(SitePointer.target(of: key, salt: salt).hex == vector.target)
        }
    }

    @Test("BEP 46: a stock item with only ih reads, and ours is canonical bencoding")
    func coding() throws {
        let v1 = Digest160.zero
        let stock: [UInt8] = Array("d2:ih20:".utf8) + v1.bytes + Array("e".utf8)
        #expect(try SitePointer(value: stock) == SitePointer(infohash: v1))
        #expect(SitePointer(infohash: v1).encoded == stock)
        let full = SitePointer(infohash: v1, infohashV2: .zero, head: Hash.sha256([1]))
        #expect(full.encoded.count == 107)
        #expect(try SitePointer(value: full.encoded) == full)
    }

    @Test("what is no pointer is refused: order, lengths, kinds, emptiness, over 1,000 bytes")
    func refusals() {
        let ih = "2:ih20:" + String(repeating: "x", count: 20)
        for text in [
            "de", "le", "i1e", "", "d2:ih19:" + String(repeating: "x", count: 19) + "e", "d2:ihi1ee",
            "d1:r0:\(ih)e", "d\(ih)1:r3:abce", "d\(ih)1:z1000:" + String(repeating: "x", count: 1000) + "e",
        ] {
            #expect(throws: SitePointerError.self) { try SitePointer(value: Array(text.utf8)) }
        }
        #expect(throws: Never.self) { try SitePointer(value: Array("d\(ih)1:z3:newe".utf8)) }
        let value = SitePointer(infohash: .zero, infohashV2: .zero, head: .zero).encoded
        for bytes in HostileInput.mutations(of: value, count: 3000, seed: 5) { _ = try? SitePointer(value: bytes) }
    }
}
