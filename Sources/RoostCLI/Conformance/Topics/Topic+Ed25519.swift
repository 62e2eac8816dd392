// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

extension ConformanceTopic {
    static let ed25519 = ConformanceTopic(
        name: "ed25519",
        checks: [("wycheproof-ed25519.json", checkWycheproof), ("speccheck-cases.json", checkSpeccheck)]
    )

    private struct Test: Decodable {
        var tcId: Int
        var msg: String
        var sig: String
        var result: String
    }

    private static func checkWycheproof(_ folder: VectorFolder, _ result: inout ConformanceResult) throws {
        for group in try folder.json("wycheproof-ed25519.json", as: Wycheproof<Test>.self).testGroups {
            let key = try VectorFolder.require(PublicKey(hex: group.publicKey?.pk ?? ""), "a public key")
            for test in group.tests {
                let message = try VectorFolder.hex(test.msg)
                let verifies = Signature(hex: test.sig).map { key.verifies($0, over: message) } ?? false
                result.check("tcId \(test.tcId)", verifies, is: test.result == "valid")
            }
        }
    }

    private struct EdgeCase: Decodable {
        var index: Int
        var message: String
        var pub_key: String
        var signature: String
        var observed: [String: String]
    }

    /// Rule: S below the group order, canonical A and R, neither of small order, no cofactor; as libsodium answers.
    private static func checkSpeccheck(_ folder: VectorFolder, _ result: inout ConformanceResult) throws {
        for test in try folder.json("speccheck-cases.json", as: [EdgeCase].self) {
            let key = try VectorFolder.require(PublicKey(hex: test.pub_key), "a public key")
            let signature = try VectorFolder.require(Signature(hex: test.signature), "a signature")
            let verifies = key.verifies(signature, over: try VectorFolder.hex(test.message))
            result.check("speccheck \(test.index)", verifies, is: test.observed["libsodium_1.0.18"] == "V")
        }
    }

    // MARK: Signing, in torrents/bep_vectors.json

    struct SigningCase: Decodable {
        var seed: String
        var `public`: String
        var signature: String
        var message: String
    }

    static func checkSigning(_ vectors: [SigningCase], _ result: inout ConformanceResult) throws {
        for vector in vectors {
            let key = try VectorFolder.require(SigningKey(seed: VectorFolder.hex(vector.seed)), "a seed")
            let message = try VectorFolder.hex(vector.message)
            let signature = key.sign(message)
            let holds = signature.hex == vector.signature && key.publicKey.hex == vector.public
            result.check(
                "ed25519 \(vector.public.prefix(8))",
                holds && key.publicKey.verifies(signature, over: message)
            )
        }
    }
}
