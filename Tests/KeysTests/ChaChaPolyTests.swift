// SPDX-License-Identifier: Apache-2.0
import Keys
import TestSupport
import Testing
import Wire

@Suite("ChaCha20-Poly1305 (RFC 8439)")
struct ChaChaPolyTests {
    private struct Test: Decodable {
        var tcId: Int
        var key: String
        var iv: String
        var aad: String
        var msg: String
        var ct: String
        var tag: String
        var result: String
    }

    @Test("S4-09: Wycheproof: valid cases seal and open, changed tags and other nonce sizes do not")
    func wycheproof() throws {
        for group in try Vectors.json("aead/wycheproof-chacha20-poly1305.json", as: Wycheproof<Test>.self).testGroups {
            for test in group.tests {
                let nonceBytes = try #require(Hex.decode(test.iv))
                guard let nonce = ChaChaPoly.Nonce(nonceBytes) else {
                    #expect(group.ivSize != 96 && test.result == "invalid", "tcId \(test.tcId)")
                    continue
                }
                let key = try #require(SecretKey(hex: test.key))
                let additional = try #require(Hex.decode(test.aad))
                let plaintext = try #require(Hex.decode(test.msg))
                let sealed = try #require(Hex.decode(test.ct + test.tag))
                let opened = ChaChaPoly.open(sealed, key: key, nonce: nonce, authenticating: additional)
                #expect(opened == (test.result == "valid" ? plaintext : nil), "tcId \(test.tcId)")
                if test.result == "valid" {
                    #expect(
                        ChaChaPoly.seal(plaintext, key: key, nonce: nonce, authenticating: additional) == sealed,
                        "tcId \(test.tcId)"
                    )
                }
            }
        }
    }

    @Test("Anything cut or changed does not open: 2,000 seeded cases")
    func hostile() throws {
        var random = SplitMix64(seed: 21)
        let key = try #require(SecretKey(random.bytes(32)))
        let nonce = ChaChaPoly.Nonce(counter: 7)
        let sealed = ChaChaPoly.seal(random.bytes(50), key: key, nonce: nonce, authenticating: [1])
        let cases = HostileInput.mutations(of: sealed, count: 2000, seed: 22) + HostileInput.truncations(of: sealed)
        for damaged in cases where damaged != sealed {
            #expect(ChaChaPoly.open(damaged, key: key, nonce: nonce, authenticating: [1]) == nil)
        }
        #expect(ChaChaPoly.open(sealed, key: key, nonce: nonce, authenticating: []) == nil)
        #expect(ChaChaPoly.open(sealed, key: key, nonce: ChaChaPoly.Nonce(counter: 8), authenticating: [1]) == nil)
    }

    @Test("A counter nonce is four zero bytes and the counter, least significant byte first")
    func counterNonce() {
        #expect(Hex.encode(ChaChaPoly.Nonce(counter: 0x0102_0304_0506_0708).bytes) == "000000000807060504030201")
    }
}
