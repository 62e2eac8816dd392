// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

extension ConformanceTopic {
    static let aead = ConformanceTopic(name: "aead", checks: [("wycheproof-chacha20-poly1305.json", checkWycheproof)])

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

    private static func checkWycheproof(_ folder: VectorFolder, _ result: inout ConformanceResult) throws {
        for group in try folder.json("wycheproof-chacha20-poly1305.json", as: Wycheproof<Test>.self).testGroups {
            for test in group.tests {
                let name = "tcId \(test.tcId)"
                guard let nonce = ChaChaPoly.Nonce(try VectorFolder.hex(test.iv)) else {
                    result.check(name, test.result == "invalid", "a nonce of this size was refused")
                    continue
                }
                let key = try VectorFolder.require(SecretKey(VectorFolder.hex(test.key)), "a key")
                let additional = try VectorFolder.hex(test.aad)
                let plaintext = try VectorFolder.hex(test.msg)
                let sealed = try VectorFolder.hex(test.ct + test.tag)
                let opened = ChaChaPoly.open(sealed, key: key, nonce: nonce, authenticating: additional)
                let isValid = test.result == "valid"
                let seals =
                    !isValid
                    || ChaChaPoly.seal(plaintext, key: key, nonce: nonce, authenticating: additional) == sealed
                result.check(name, opened == (isValid ? plaintext : nil) && seals, "opened \(opened != nil)")
            }
        }
    }
}
