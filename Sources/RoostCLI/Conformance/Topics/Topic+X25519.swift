// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

extension ConformanceTopic {
    static let x25519 = ConformanceTopic(
        name: "x25519",
        checks: [("wycheproof-x25519.json", checkWycheproof), ("rfc7748-iterated.json", checkIterated)]
    )

    private struct Test: Decodable {
        var tcId: Int
        var flags: [String]
        var `public`: String
        var `private`: String
        var shared: String
        var result: String
    }

    /// Rule: a shared secret of zeros is refused (RFC 7748 §6.1), though Wycheproof calls it acceptable; every other
    /// acceptable case, such as a non-canonical public key, gives the secret.
    private static func checkWycheproof(_ folder: VectorFolder, _ result: inout ConformanceResult) throws {
        for group in try folder.json("wycheproof-x25519.json", as: Wycheproof<Test>.self).testGroups {
            for test in group.tests {
                let secret = try VectorFolder.require(SecretKey(VectorFolder.hex(test.private)), "a private key")
                let other = try VectorFolder.require(Digest256(hex: test.public), "a public key")
                let shared = AgreementKey(secret).sharedSecret(with: other).map { Hex.encode($0.bytes) }
                let isRefused = test.flags.contains("ZeroSharedSecret") || test.result == "invalid"
                result.check("tcId \(test.tcId)", shared, is: isRefused ? nil : test.shared)
            }
        }
    }

    private struct Iterated: Decodable {
        struct Step: Decodable {
            var n: Int
            var k: String
        }
        var start_k_and_u: String
        var iterations: [Step]
    }

    private static func checkIterated(_ folder: VectorFolder, _ result: inout ConformanceResult) throws {
        let vector: Iterated = try folder.json("rfc7748-iterated.json")
        let start = try VectorFolder.hex(vector.start_k_and_u)
        var scalar = try VectorFolder.require(SecretKey(start), "a scalar")
        var point = try VectorFolder.require(Digest256(start), "a point")
        for step in 1...1000 {
            let shared = try VectorFolder.require(AgreementKey(scalar).sharedSecret(with: point), "a shared secret")
            point = Digest256(scalar.bytes) ?? .zero
            scalar = shared
            for expected in vector.iterations where expected.n == step {
                result.check("iterated \(step) times", Hex.encode(scalar.bytes), is: expected.k)
            }
        }
        for expected in vector.iterations where expected.n > 1000 {
            result.skip("iterated \(expected.n) times", because: "takes minutes")
        }
    }
}
