// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing
import Wire

@testable import BitTorrent

@Suite("The 768-bit key exchange")
struct KeyExchange768Tests {
    private static let prime =
        "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404dd"
        + "ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a63a36210000000000090563"

    @Test("Two sides agree on one secret")
    func agreement() throws {
        var random = SplitMix64(seed: 7)
        for _ in 0..<3 {
            let (a, b) = (KeyExchange768(privateKey: random.bytes(20)), KeyExchange768(privateKey: random.bytes(20)))
            let secret = try #require(a.secret(with: b.publicKey[...]))
            #expect(secret == b.secret(with: a.publicKey[...]))
            #expect(secret.count == 96)
        }
    }

    @Test("Powers of two as Python's pow has them: 2^1, 2^767, 2^768, 2^(2^160 − 1)")
    func powers() {
        func publicKey(_ exponent: [UInt8]) -> String { Hex.encode(KeyExchange768(privateKey: exponent).publicKey) }
        #expect(publicKey([1]) == String(repeating: "0", count: 191) + "2")
        #expect(publicKey([0x02, 0xff]) == "8" + String(repeating: "0", count: 191))
        #expect(publicKey([0x03, 0x00]) == Self.twoToThe768)
        #expect(publicKey([UInt8](repeating: 0xff, count: 20)) == Self.twoToTheLargest)
    }

    private static let twoToThe768 =
        "000000000000000036f0255dde973dcb3b399d747f23e32ed6fdb1f77598338bfdf44159c4ec64ddaeb5f78671cbfb22"
        + "106ae64c32c5bce4cfd4f5920da0ebc8b01eca9292ae3dba1b7a4a899da181390bb3bd1659c5c9defffffffffff6fa9d"
    private static let twoToTheLargest =
        "fe9aac142f64ad4d5bca7e30bea17d62c709de9e4c5694e2b27e8c6ed82510bb57952fcce38f6a5084b9699ec34b033e"
        + "d1a0dbd51d70274bff40ae493f0ce2cdbd3cbd6055c9677a7eb70d29f4d8ecfbc2625316a7ae1a0d3d6605f0406bad79"

    @Test("Keys that lead to nothing secret are refused: 0, 1, p − 1, p, more, and other lengths")
    func refusals() throws {
        let exchange = KeyExchange768(privateKey: [UInt8](repeating: 3, count: 20))
        let prime = try #require(Hex.decode(Self.prime))
        var below = prime
        below[95] -= 1
        var one = [UInt8](repeating: 0, count: 96)
        one[95] = 1
        let refused = [
            [UInt8](repeating: 0, count: 96), one, below, prime, [UInt8](repeating: 0xff, count: 96), [2], [],
        ]
        for key in refused { #expect(exchange.secret(with: key[...]) == nil) }
        below[95] -= 1
        #expect(exchange.secret(with: below[...]) != nil)
    }
}
