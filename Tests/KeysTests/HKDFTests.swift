// SPDX-License-Identifier: Apache-2.0
import Keys
import TestSupport
import Testing
import Wire

@Suite("HKDF-SHA256 (RFC 5869) and Expand-Label (RFC 8446 §7.1)")
struct HKDFTests {
    private struct Test: Decodable {
        var tcId: Int
        var ikm: String
        var salt: String
        var info: String
        var size: Int
        var okm: String
        var result: String
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

    @Test("S4-10: Wycheproof: every output, and none beyond 255 blocks")
    func wycheproof() throws {
        for group in try Vectors.json("hkdf/wycheproof-hkdf-sha256.json", as: Wycheproof<Test>.self).testGroups {
            for test in group.tests {
                let output = HKDF.derive(
                    secret: try #require(Hex.decode(test.ikm)),
                    salt: try #require(Hex.decode(test.salt)),
                    info: try #require(Hex.decode(test.info)),
                    byteCount: test.size
                )
                #expect(output.map { Hex.encode($0) } == (test.result == "valid" ? test.okm : nil), "tcId \(test.tcId)")
            }
        }
    }

    @Test("RFC 9001 appendix A.1: the initial secrets of QUIC, and the bytes of each label")
    func initialSecrets() throws {
        let vector = try Vectors.json("hkdf/rfc9001-appendix-a1.json", as: QUIC.self)
        let initial = HKDF.extract(
            secret: try #require(Hex.decode(vector.cid)),
            salt: try #require(Hex.decode(vector.initial_salt))
        )
        #expect(Hex.encode(initial.bytes) == vector.initial_secret)
        var secrets = ["initial_secret": initial]
        for step in vector.expand_label {
            let secret = try #require(secrets[step.secret])
            let context = try #require(Hex.decode(step.context))
            let output = HKDF.expandLabel(secret, label: step.label, context: context, byteCount: step.length)
            #expect(output.map { Hex.encode($0) } == step.out, "\(step.label)")
            secrets[step.label] = output.flatMap { SecretKey($0) }
            #expect(
                HKDF.labelInfo(label: step.label, context: context, byteCount: step.length).map { Hex.encode($0) }
                    == vector.hkdf_label_bytes[step.label]
            )
        }
    }

    @Test("A label, a context or a length that does not fit its field is refused")
    func bounds() throws {
        let key = try #require(SecretKey([UInt8](repeating: 1, count: 32)))
        let context = [UInt8](repeating: 0, count: 256)
        #expect(HKDF.expandLabel(key, label: String(repeating: "a", count: 250), byteCount: 32) == nil)
        #expect(HKDF.expandLabel(key, label: String(repeating: "a", count: 249), byteCount: 32) != nil)
        #expect(HKDF.expandLabel(key, label: "a", context: context, byteCount: 32) == nil)
        #expect(HKDF.expandLabel(key, label: "a", byteCount: 8161) == nil)
        #expect(HKDF.expand(key, info: [], byteCount: -1) == nil)
        #expect(HKDF.expand(key, info: [], byteCount: 0) == [])
    }
}
