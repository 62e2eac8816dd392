// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import TestSupport
import Testing
import Wire

@Suite("RC4")
struct RC4Tests {
    private struct File: Decodable {
        struct Vector: Decodable {
            var key: String
            var offset: Int
            var bytes: String
        }
        var vectors: [Vector]
    }

    @Test("RFC 6229 §2: the published keystream, in one stretch, after discarding, and byte by byte")
    func published() throws {
        for vector in try Vectors.json("mse/rc4.json", as: File.self).vectors {
            let key = try #require(Hex.decode(vector.key))
            var whole = RC4(key: key)
            var stream = [UInt8](repeating: 0, count: vector.offset + 16)
            whole.apply(to: &stream)
            #expect(Hex.encode(Array(stream.suffix(16))) == vector.bytes)

            var late = RC4(key: key, discarding: vector.offset)
            var tail: [UInt8] = []
            for _ in 0..<16 {
                var byte: [UInt8] = [0]
                late.apply(to: &byte)
                tail += byte
            }
            #expect(Hex.encode(tail) == vector.bytes)
        }
    }

    @Test("Applied twice it gives back what it was given")
    func inverse() {
        var random = SplitMix64(seed: 1)
        let text = random.bytes(1000)
        var bytes = text
        var there = RC4(key: [1, 2, 3], discarding: 1024)
        there.apply(to: &bytes)
        #expect(bytes != text)
        var back = RC4(key: [1, 2, 3], discarding: 1024)
        back.apply(to: &bytes)
        #expect(bytes == text)
    }
}
