// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing
import Wire

@testable import BitTorrent

@Suite("Obfuscated connections")
struct ObfuscatedConnectionTests {
    static let hash = Digest160(Array(1...20)) ?? .zero
    static let both: ObfuscationMethods = [.plain, .rc4]

    /// Both ends, and what has been received by each.
    private struct Pair: ~Copyable {
        var dialler: ObfuscatedConnection
        var dialled: ObfuscatedConnection
        var atDialler: [UInt8] = []
        var atDialled: [UInt8] = []
        var hashes = ObfuscatedHashes()

        init(_ ours: ObfuscationMethods, _ theirs: ObfuscationMethods, seed: UInt64 = 1) {
            var random = SplitMix64(seed: seed)
            dialler = ObfuscatedConnection(dialling: hash, methods: ours, random: &random)
            dialled = ObfuscatedConnection(acceptingWith: theirs, random: &random)
            for number in 0..<100 { hashes.insert(Digest160([UInt8](repeating: UInt8(number), count: 20)) ?? .zero) }
            hashes.insert(hash)
        }

        /// Carries bytes to and fro in fragments until nobody has anything to say.
        mutating func run(fragment: Int) throws {
            var toDialled = dialler.opening()
            var toDialler: [UInt8] = []
            while !toDialled.isEmpty || !toDialler.isEmpty {
                if !toDialled.isEmpty {
                    let part = toDialled.prefix(fragment)
                    toDialled.removeFirst(part.count)
                    toDialler += try give(Array(part), toDialled: true)
                }
                if !toDialler.isEmpty {
                    let part = toDialler.prefix(fragment)
                    toDialler.removeFirst(part.count)
                    toDialled += try give(Array(part), toDialled: false)
                }
            }
        }

        private mutating func give(_ bytes: [UInt8], toDialled: Bool) throws -> [UInt8] {
            var bytes = bytes
            if toDialled, dialled.isEstablished {
                dialled.decrypt(&bytes)
                atDialled += bytes
                return []
            }
            let known = hashes
            let output =
                toDialled
                ? try dialled.receive(bytes) { known.hash(named: $0) } : try dialler.receive(bytes)
            if toDialled { atDialled += output.received } else { atDialler += output.received }
            return output.send
        }

        /// What `bytes` look like on the way and at the other end.
        mutating func send(_ bytes: [UInt8]) -> (onTheWay: [UInt8], received: [UInt8]) {
            var bytes = bytes
            dialler.encrypt(&bytes)
            let onTheWay = bytes
            dialled.decrypt(&bytes)
            return (onTheWay, bytes)
        }

        mutating func sendBack(_ bytes: [UInt8]) -> (onTheWay: [UInt8], received: [UInt8]) {
            var bytes = bytes
            dialled.encrypt(&bytes)
            let onTheWay = bytes
            dialler.decrypt(&bytes)
            return (onTheWay, bytes)
        }
    }

    @Test(
        "Both sides come to the same method, and payload arrives, whatever the fragments",
        arguments: [
            ([ObfuscationMethods.plain, .rc4], [ObfuscationMethods.plain, .rc4], ObfuscationMethods.plain),
            ([.plain, .rc4], [.rc4], .rc4), ([.rc4], [.plain, .rc4], .rc4), ([.plain], [.plain, .rc4], .plain),
        ],
        [1, 7, 100, 5000]
    )
    func agreement(_ sides: ([ObfuscationMethods], [ObfuscationMethods], ObfuscationMethods), fragment: Int) throws {
        let initial = [UInt8]("the handshake of the peer wire".utf8)
        var pair = Pair(ObfuscationMethods(sides.0), ObfuscationMethods(sides.1), seed: UInt64(fragment))
        let isPrepended = pair.dialler.prepend(initial)
        #expect(isPrepended)
        try pair.run(fragment: fragment)
        let methods = (pair.dialler.method, pair.dialled.method, pair.dialled.hash)
        #expect(methods == (sides.2, sides.2, Self.hash))
        #expect(pair.atDialled == initial)
        #expect(pair.atDialler.isEmpty)
        for text in ["first", "second"] {
            let (way, received) = pair.send(Array(text.utf8))
            #expect(received == Array(text.utf8))
            #expect((way == received) == (sides.2 == .plain))
            let (back, answer) = pair.sendBack(Array(text.utf8))
            #expect(answer == Array(text.utf8))
            #expect((back == answer) == (sides.2 == .plain))
        }
    }

    @Test("Nothing in common ends the handshake at who was dialled")
    func nothingInCommon() {
        var pair = Pair(.plain, .rc4)
        #expect(throws: ObfuscationError.noCommonMethod(.plain)) { try pair.run(fragment: 100) }
    }

    @Test("Who dialled takes one method of those it offered, and no other")
    func choice() throws {
        for (chosen, isTaken) in [(UInt32(1), false), (2, true), (3, false), (0, false), (0x8000_0002, true)] {
            var random = SplitMix64(seed: 3)
            var dialler = ObfuscatedConnection(dialling: Self.hash, methods: .rc4, random: &random)
            let other = KeyExchange768(privateKey: random.bytes(20))
            let secret = try #require(other.secret(with: dialler.opening().prefix(96)))
            var cipher = ObfuscationSpecification.responderCipher(secret, Self.hash)
            var answer = [UInt8](repeating: 0, count: 8)
            answer.append(bigEndian: chosen)
            answer += [0, 0]
            cipher.apply(to: &answer)
            let output = try? dialler.receive(other.publicKey + answer)
            let isEstablished = dialler.isEstablished
            #expect((output != nil) == isTaken)
            #expect(isEstablished == isTaken)
        }
    }

    @Test("Initial payload is decrypted to its last byte, what follows only if that was agreed")
    func initialPayloadInParts() throws {
        var pair = Pair(Self.both, Self.both)
        _ = pair.dialler.prepend([UInt8](repeating: 9, count: 40))
        try pair.run(fragment: 10_000)
        let (way, received) = pair.send([1, 2, 3])
        #expect(way == [1, 2, 3])
        #expect(received == [1, 2, 3])
        #expect(pair.atDialled == [UInt8](repeating: 9, count: 40))
        let isTooLate = !pair.dialler.prepend([1])
        #expect(isTooLate)
    }

    @Test("A torrent that is not ours is not talked about")
    func unknown() {
        var pair = Pair(Self.both, Self.both)
        pair.hashes = ObfuscatedHashes()
        #expect(throws: ObfuscationError.unknownHash) { try pair.run(fragment: 50) }
        let isEstablished = pair.dialled.isEstablished
        #expect(!isEstablished)
    }

    @Test("Hashes are found by their obfuscated name until they are removed")
    func names() {
        var hashes = ObfuscatedHashes()
        hashes.insert(Self.hash)
        let name = ObfuscationSpecification.name(of: Self.hash)
        #expect(hashes.hash(named: name) == Self.hash)
        #expect(hashes.hash(named: Self.hash) == nil)
        hashes.remove(Self.hash)
        #expect(hashes.hash(named: name) == nil)
    }
}
