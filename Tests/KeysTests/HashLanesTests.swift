// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing
import Wire

@testable import Keys

/// What is hashed together must give what BoringSSL gives for each alone, which NIST's examples vouch for (``HashTests``).
@Suite("Hashes of several messages (FIPS 180-4)")
struct HashLanesTests {
    private static func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
        var random = SplitMix64(seed: seed)
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    private static func sha1(_ messages: [[UInt8]], lanes: Int) -> [Digest160] {
        // SAFETY: the parts lie in the array, which is there until the call returns.
        unsafe messages.flatMap(\.self).withUnsafeBytes { all in
            let parts = unsafe messages.indices.map { number in
                let length = messages[number].count
                return unsafe UnsafeRawBufferPointer(rebasing: all[number * length..<(number + 1) * length])
            }
            return unsafe Hash.sha1(of: parts, lanes: lanes)
        }
    }

    @Test("S4-08: SHA-1 of up to nine messages together is that of each", arguments: 1...Hash.lanes)
    func sha1Together(lanes: Int) {
        // Around the ends of a block of 64 bytes, where the length no longer fits and takes another, and a long one.
        for length in [0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 127, 128, 1000, 16_384] {
            for count in 0...9 {
                let messages = (0..<count).map { Self.bytes(length, seed: UInt64(length * 10 + $0)) }
                #expect(Self.sha1(messages, lanes: lanes) == messages.map { Hash.sha1($0) })
            }
        }
    }

    @Test("S4-08: SHA-256 of the blocks of a message, the last one cut, is that of each", arguments: 1...Hash.lanes)
    func sha256OfBlocks(lanes: Int) {
        for (count, length) in [
            (0, 64), (63, 64), (64, 64), (640, 64), (1000, 55), (1001, 56), (1000, 119), (70_000, 16_384),
        ] {
            let message = Self.bytes(count, seed: UInt64(count))
            let blocks = stride(from: 0, to: count, by: length).map { message[$0..<min($0 + length, count)] }
            let found = unsafe Hash.sha256(blocksOf: message.span.bytes, length: length, lanes: lanes)
            #expect(found == blocks.map { Hash.sha256($0) })
        }
    }

    @Test("S4-08: NIST's example of a block, four times together")
    func example() {
        let digests = Self.sha1(Array(repeating: Array("abc".utf8), count: 4), lanes: Hash.lanes)
        #expect(digests.map(\.hex) == Array(repeating: "a9993e364706816aba3e25717850c26c9cd0d89d", count: 4))
    }

    @Test("only messages of one length go together")
    func lengths() async {
        await #expect(processExitsWith: .failure) { _ = HashLanesTests.sha1([[1], []], lanes: 1) }
    }
}
