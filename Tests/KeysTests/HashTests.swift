// SPDX-License-Identifier: Apache-2.0
import Keys
import Testing
import Wire

@Suite("Hashes (FIPS 180-4)")
struct HashTests {
    /// NIST's examples of one block, two blocks and none, and the million of FIPS 180-2 appendix B.3.
    private static let examples: [(input: [UInt8], sha256: String, sha1: String)] = [
        (
            Array("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "a9993e364706816aba3e25717850c26c9cd0d89d"
        ),
        (
            Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
        ),
        (
            [], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709"
        ),
        (
            Array(repeating: 0x61, count: 1_000_000),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
            "34aa973cd4c4daa4f61eeb2bdbad27316534016f"
        ),
    ]

    @Test("S4-08: SHA-256, and SHA-1 where BitTorrent fixes it, give NIST's examples, whole and in portions")
    func examples() {
        for example in Self.examples {
            #expect(Hash.sha256(example.input).hex == example.sha256)
            #expect(Hash.sha1(example.input).hex == example.sha1)
            var stream = SHA256Stream()
            for start in stride(from: 0, to: example.input.count, by: 4099) {
                stream.update(Array(example.input[start..<min(start + 4099, example.input.count)]))
            }
            #expect(stream.finish().hex == example.sha256)
        }
    }
}
