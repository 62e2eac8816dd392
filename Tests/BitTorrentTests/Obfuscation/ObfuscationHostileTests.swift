// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing
import Wire

@testable import BitTorrent

@Suite("Obfuscated handshakes of strangers")
struct ObfuscationHostileTests {
    static let hash = Digest160(Array(1...20)) ?? .zero

    private static func dialled(_ random: inout SplitMix64) -> ObfuscatedConnection {
        ObfuscatedConnection(acceptingWith: [.plain, .rc4], random: &random)
    }

    @Test("Without a mark within 628 bytes the handshake ends, and no more than that is kept")
    func noMark() throws {
        var random = SplitMix64(seed: 5)
        var connection = Self.dialled(&random)
        _ = try connection.receive(random.bytes(627))
        let kept = connection.input.count
        #expect(kept <= 628)
        #expect(throws: ObfuscationError.noMark) { try connection.receive(random.bytes(1)) }
        let afterwards = try connection.receive(random.bytes(10_000))
        #expect(afterwards == ObfuscatedConnection.Output())
        let left = connection.input.count
        #expect(left == 0)
    }

    @Test("Who dialled gives up after 616 bytes without the verification constant")
    func noVerification() throws {
        var random = SplitMix64(seed: 6)
        var connection = ObfuscatedConnection(dialling: Self.hash, methods: [.plain, .rc4], random: &random)
        _ = try connection.receive(random.bytes(615))
        #expect(throws: ObfuscationError.noMark) { try connection.receive(random.bytes(1)) }
    }

    @Test("Padding of 512 bytes is sought through, and one more is too much", arguments: [512, 513])
    func padding(count: Int) throws {
        var random = SplitMix64(seed: 8)
        var connection = Self.dialled(&random)
        let other = KeyExchange768(privateKey: random.bytes(20))
        let ours = try connection.receive(other.publicKey).send
        let secret = try #require(other.secret(with: ours.prefix(96)))
        let bytes = random.bytes(count) + ObfuscationSpecification.requestMark(secret).bytes
        if count == 512 {
            _ = try connection.receive(bytes)
            let state = connection.state
            #expect(state == .name)
        } else {
            #expect(throws: ObfuscationError.noMark) { try connection.receive(bytes) }
        }
    }

    @Test("Padding that says it is longer than 512 bytes is not waited for")
    func longPadding() throws {
        var random = SplitMix64(seed: 9)
        var connection = Self.dialled(&random)
        let other = KeyExchange768(privateKey: random.bytes(20))
        let secret = try #require(other.secret(with: try connection.receive(other.publicKey).send.prefix(96)))
        var hidden = [UInt8](repeating: 0, count: 8) + [0, 0, 0, 3, 2, 1]
        var cipher = ObfuscationSpecification.initiatorCipher(secret, Self.hash)
        cipher.apply(to: &hidden)
        let name = ObfuscationSpecification.name(of: Self.hash) ^ ObfuscationSpecification.cover(secret)
        let bytes = ObfuscationSpecification.requestMark(secret).bytes + name.bytes + hidden
        #expect(throws: ObfuscationError.paddingTooLong(513)) { try connection.receive(bytes) { _ in Self.hash } }
    }

    @Test("Damaged handshakes end in an error, in waiting, or in payload, and never trap")
    func damaged() throws {
        var random = SplitMix64(seed: 10)
        for round in 0..<60 {
            var dialler = ObfuscatedConnection(dialling: Self.hash, methods: [.plain, .rc4], random: &random)
            var dialled = Self.dialled(&random)
            _ = dialler.prepend(random.bytes(68))
            // Damage either the first flight or one of the later ones.
            var bytes = dialler.opening()
            if round % 3 == 0 { bytes = Self.damage(bytes, &random) }
            guard var output = try? dialled.receive(bytes, hashes: { _ in Self.hash }) else { continue }
            if round % 3 == 1 { output.send = Self.damage(output.send, &random) }
            guard var next = try? dialler.receive(output.send) else { continue }
            if round % 3 == 2 { next.send = Self.damage(next.send, &random) }
            _ = try? dialled.receive(next.send, hashes: { _ in Self.hash })
        }
    }

    private static func damage(_ bytes: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
        HostileInput.mutations(of: bytes, count: 1, seed: random.next()).first ?? []
    }
}
