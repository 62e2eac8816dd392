// SPDX-License-Identifier: Apache-2.0
import Keys
import TestSupport
import Testing
import Wire

@Suite("X25519 (RFC 7748)")
struct AgreementTests {
    private struct Test: Decodable {
        var tcId: Int
        var flags: [String]
        var `public`: String
        var `private`: String
        var shared: String
    }

    private struct Iterated: Decodable {
        struct Step: Decodable {
            var n: Int
            var k: String
        }
        var start_k_and_u: String
        var iterations: [Step]
    }

    @Test("Wycheproof: every shared secret, and none where it would be zero (RFC 7748 §6.1)")
    func wycheproof() throws {
        var refused = 0
        for group in try Vectors.json("x25519/wycheproof-x25519.json", as: Wycheproof<Test>.self).testGroups {
            for test in group.tests {
                let key = AgreementKey(try #require(SecretKey(hex: test.private)))
                let other = try #require(Digest256(hex: test.public))
                let shared = key.sharedSecret(with: other)
                if test.flags.contains("ZeroSharedSecret") {
                    #expect(shared == nil, "tcId \(test.tcId)")
                    refused += 1
                } else {
                    #expect(shared.map { Hex.encode($0.bytes) } == test.shared, "tcId \(test.tcId)")
                }
            }
        }
        #expect(refused == 20)
    }

    @Test("RFC 7748 §5.2: iterated once and 1,000 times")
    func iterated() throws {
        let vector = try Vectors.json("x25519/rfc7748-iterated.json", as: Iterated.self)
        var scalar = try #require(SecretKey(hex: vector.start_k_and_u))
        var point = try #require(Digest256(hex: vector.start_k_and_u))
        for step in 1...1000 {
            let result = try #require(AgreementKey(scalar).sharedSecret(with: point))
            point = try #require(Digest256(scalar.bytes))
            scalar = result
            if let expected = vector.iterations.first(where: { $0.n == step }) {
                #expect(Hex.encode(scalar.bytes) == expected.k)
            }
        }
    }

    @Test("Both sides get the same secret; the public key is the base point's multiple")
    func agreement() throws {
        // The key of Bob is the one of RFC 7748 §6.1.
        let alice = AgreementKey(
            try #require(SecretKey(hex: "77076d0a7318a57d3c16c17251b26645c6c2f6c0d3e1e1e6a3e8b7c2a4a5b0f1"))
        )
        let bob = AgreementKey(
            try #require(SecretKey(hex: "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"))
        )
        #expect(bob.publicKey.hex == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
        #expect(alice.sharedSecret(with: bob.publicKey) == bob.sharedSecret(with: alice.publicKey))
    }
}

extension SecretKey {
    init?(hex: String) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes)
    }
}
