// SPDX-License-Identifier: Apache-2.0
import Keys
import TestSupport
import Testing
import Wire

@Suite("Ed25519 (RFC 8032), one strict rule")
struct SignatureTests {
    private struct Test: Decodable {
        var tcId: Int
        var msg: String
        var sig: String
        var result: String
    }

    private struct EdgeCase: Decodable {
        var index: Int
        var message: String
        var pub_key: String
        var signature: String
        var observed: [String: String]
    }

    @Test("Wycheproof: valid signatures verify; malleable, cut, garbled and non-canonical ones do not")
    func wycheproof() throws {
        for group in try Vectors.json("ed25519/wycheproof-ed25519.json", as: Wycheproof<Test>.self).testGroups {
            let publicKey = try #require(group.publicKey)
            let key = try #require(PublicKey(hex: publicKey.pk))
            for test in group.tests {
                let message = try #require(Hex.decode(test.msg))
                // A signature of another length is no signature.
                let verifies = Signature(hex: test.sig).map { key.verifies($0, over: message) } ?? false
                #expect(verifies == (test.result == "valid"), "tcId \(test.tcId)")
            }
        }
    }

    @Test("\"Taming the many EdDSAs\": small order and non-canonical encodings are refused; no cofactor")
    func speccheck() throws {
        for test in try Vectors.json("ed25519/speccheck-cases.json", as: [EdgeCase].self) {
            let key = try #require(PublicKey(hex: test.pub_key))
            let signature = try #require(Signature(hex: test.signature))
            let message = try #require(Hex.decode(test.message))
            // Case 3 alone has points of full order, a proper S and a true equation.
            #expect(key.verifies(signature, over: message) == (test.index == 3), "case \(test.index)")
            #expect((test.observed["libsodium_1.0.18"] == "V") == (test.index == 3))
        }
    }

    @Test(
        "S4-11, RFC 8032 §7.1: tests 1 to 3",
        arguments: [
            (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
            ),
            (
                "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
            ),
            (
                "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
            ),
        ]
    )
    func signing(seed: String, publicKey: String, message: String, signature: String) throws {
        let seed = try #require(Hex.decode(seed))
        let key = try #require(SigningKey(seed: seed))
        let message = try #require(Hex.decode(message))
        #expect(key.publicKey.hex == publicKey)
        #expect(key.sign(message).hex == signature)
        #expect(key.publicKey.verifies(key.sign(message), over: message))
        #expect(!key.publicKey.verifies(key.sign(message), over: message + [0]))
    }

    @Test("BEP 44 test 1: signing with an expanded key")
    func expandedKey() throws {
        let bytes = try #require(
            Hex.decode(
                "e06d3183d14159228433ed599221b80bd0a5ce8352e4bdf0262f76786ef1c74db7e7a9fea2c0eb269d61e3b38e450a22e754941ac78479d6c54e1faf6037881d"
            )
        )
        let key = try #require(SigningKey(expanded: bytes))
        #expect(key.publicKey.hex == "77ff84905a91936367c01360803104f92432fcd904a43511876df5cdf3e7e548")
        #expect(
            key.sign(Array("3:seqi1e1:v12:Hello World!".utf8)).hex
                == "305ac8aeb6c9c151fa120f120ea2cfb923564e11552d06a5d856091e5e853cff1260d3f39e4999684aa92eb73ffd136e6f4f3ecbfda0ce53a1608ecd7ae21f01"
        )
        #expect(key.seed == nil)
    }

    @Test("Keys of a wrong length, a zero scalar or a scalar's top bit are refused")
    func refusedKeys() {
        #expect(SigningKey(seed: [UInt8](repeating: 1, count: 31)) == nil)
        #expect(SigningKey(expanded: [UInt8](repeating: 1, count: 63)) == nil)
        #expect(SigningKey(expanded: [UInt8](repeating: 0, count: 64)) == nil)
        #expect(SigningKey(expanded: [UInt8](repeating: 0xFF, count: 64)) == nil)
    }

    @Test("S1-09: A changed bit of signature, key or message is always noticed: 1,500 seeded cases")
    func changedBits() throws {
        var random = SplitMix64(seed: 20)
        let key = try #require(SigningKey(seed: random.bytes(32)))
        let message = random.bytes(100)
        let signature = key.sign(message)
        for _ in 0..<500 {
            let changed = try #require(Signature(flipped(signature.bytes, with: &random)))
            #expect(!key.publicKey.verifies(changed, over: message))
            let other = try #require(PublicKey(flipped(key.publicKey.bytes, with: &random)))
            #expect(!other.verifies(signature, over: message))
            #expect(!key.publicKey.verifies(signature, over: flipped(message, with: &random)))
        }
    }

    @Test("A signing key prints its public half only")
    func printing() throws {
        let seed = [UInt8](repeating: 0xAB, count: 32)
        let key = try #require(SigningKey(seed: seed))
        var dumped = ""
        dump(key, to: &dumped)
        for text in ["\(key)", String(reflecting: key), dumped] {
            #expect(!text.contains("abab") && !text.contains("171"), "\(text)")
        }
    }

    private func flipped(_ bytes: [UInt8], with random: inout SplitMix64) -> [UInt8] {
        var bytes = bytes
        let bit = Int.random(in: 0..<bytes.count * 8, using: &random)
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        return bytes
    }
}
