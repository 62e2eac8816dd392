// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

extension ConformanceTopic {
    static let hkdf = ConformanceTopic(
        name: "hkdf",
        checks: [("wycheproof-hkdf-sha256.json", checkWycheproof), ("rfc9001-appendix-a1.json", checkLabels)]
    )

    private struct Test: Decodable {
        var tcId: Int
        var ikm: String
        var salt: String
        var info: String
        var size: Int
        var okm: String
        var result: String
    }

    private static func checkWycheproof(_ folder: VectorFolder, _ result: inout ConformanceResult) throws {
        for group in try folder.json("wycheproof-hkdf-sha256.json", as: Wycheproof<Test>.self).testGroups {
            for test in group.tests {
                let output = HKDF.derive(
                    secret: try VectorFolder.hex(test.ikm),
                    salt: try VectorFolder.hex(test.salt),
                    info: try VectorFolder.hex(test.info),
                    byteCount: test.size
                )
                let expected = test.result == "valid" ? test.okm : nil
                result.check("tcId \(test.tcId)", output.map { Hex.encode($0) }, is: expected)
            }
        }
    }

    private struct QUIC: Decodable {
        struct Label: Decodable {
            var secret: String
            var label: String
            var context: String
            var length: Int
            var out: String
        }
        var initial_salt: String
        var cid: String
        var initial_secret: String
        var hkdf_label_bytes: [String: String]
        var expand_label: [Label]
    }

    private static func checkLabels(_ folder: VectorFolder, _ result: inout ConformanceResult) throws {
        let vector: QUIC = try folder.json("rfc9001-appendix-a1.json")
        let salt = try VectorFolder.hex(vector.initial_salt)
        let initial = HKDF.extract(secret: try VectorFolder.hex(vector.cid), salt: salt)
        result.check("initial secret", Hex.encode(initial.bytes), is: vector.initial_secret)
        var secrets = ["initial_secret": initial]
        for step in vector.expand_label {
            let secret = try VectorFolder.require(secrets[step.secret], "a secret from an earlier step")
            let context = try VectorFolder.hex(step.context)
            let output = HKDF.expandLabel(secret, label: step.label, context: context, byteCount: step.length)
            result.check("\(step.secret) → \(step.label)", output.map { Hex.encode($0) }, is: step.out)
            if let key = output.flatMap({ SecretKey($0) }) { secrets[step.label] = key }
        }
        for step in vector.expand_label {
            guard let expected = vector.hkdf_label_bytes[step.label] else { continue }
            let info = HKDF.labelInfo(label: step.label, byteCount: step.length)
            result.check("label \(step.label)", info.map { Hex.encode($0) }, is: expected)
        }
    }
}
