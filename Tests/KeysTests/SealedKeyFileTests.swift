// SPDX-License-Identifier: Apache-2.0
import Keys
import TestSupport
import Testing
import Wire

@Suite("Sealed key files")
struct SealedKeyFileTests {
    private let vectors: KeyVectors.KeyFile
    private let localKey: SealedKeyFile.Secret
    private let passphrase: SealedKeyFile.Secret

    init() throws {
        vectors = try KeyVectors.load().keyFile
        localKey = .localKey(try #require(SecretKey(hex: vectors.localKey)))
        passphrase = .passphrase(Array(vectors.passphrase.utf8))
    }

    private var content: [UInt8] { Array("secret".utf8) }

    @Test("The bytes are those of the second implementation, under the local key and under a passphrase, both ways")
    func vector() throws {
        let random = try #require(Hex.decode(vectors.random))
        let cost = try #require(PassphraseCost(passes: vectors.passes, kibibytes: vectors.kibibytes))
        let plain = try SealedKeyFile.seal(content, purpose: "identity", with: localKey, random: random)
        let protected = try SealedKeyFile.seal(
            content,
            purpose: "identity",
            with: passphrase,
            cost: cost,
            random: random
        )
        #expect(Hex.encode(plain) == vectors.sealedByLocalKey)
        #expect(Hex.encode(protected) == vectors.sealedByPassphrase)
        #expect(try SealedKeyFile(plain).protection == .localKey)
        #expect(try SealedKeyFile(plain).open(with: localKey, purpose: "identity") == content)
        #expect(try SealedKeyFile(protected).protection == .passphrase)
        #expect(try SealedKeyFile(protected).open(with: passphrase, purpose: "identity") == content)
    }

    @Test("A wrong secret, another purpose and damage are one error")
    func refusals() throws {
        let plainBytes = try #require(Hex.decode(vectors.sealedByLocalKey))
        let protectedBytes = try #require(Hex.decode(vectors.sealedByPassphrase))
        let plain = try SealedKeyFile(plainBytes)
        let protected = try SealedKeyFile(protectedBytes)
        let otherKey = SealedKeyFile.Secret.localKey(try #require(SecretKey([UInt8](repeating: 0, count: 32))))
        #expect(throws: SealedKeyFileError.authenticationFailed) { try plain.open(with: otherKey, purpose: "identity") }
        #expect(throws: SealedKeyFileError.authenticationFailed) { try plain.open(with: localKey, purpose: "site") }
        #expect(throws: SealedKeyFileError.authenticationFailed) {
            try protected.open(with: .passphrase(Array("correct horse u".utf8)), purpose: "identity")
        }
        #expect(throws: SealedKeyFileError.otherSecretNeeded) { try plain.open(with: passphrase, purpose: "identity") }
        #expect(throws: SealedKeyFileError.otherSecretNeeded) {
            try protected.open(with: localKey, purpose: "identity")
        }
    }

    @Test("A file cannot make us spend more than 1 GiB or 16 passes, nor less than is safe")
    func cost() throws {
        let bytes = try #require(Hex.decode(vectors.sealedByPassphrase))
        for (offset, value) in [
            (10, [0, 0, 0, 17]), (10, [0, 0, 0, 0]), (10, [255, 255, 255, 255]), (14, [0, 16, 0, 1]),
            (14, [0, 0, 31, 255]),
        ] as [(Int, [UInt8])] {
            var changed = bytes
            changed.replaceSubrange(offset..<offset + 4, with: value)
            #expect(throws: SealedKeyFileError.costOutOfBounds) { try SealedKeyFile(changed) }
        }
    }

    @Test("The standard cost opens what it sealed; an empty passphrase and content are possible")
    func standardCost() throws {
        let random = [UInt8](repeating: 5, count: SealedKeyFile.randomByteCount)
        let bytes = try SealedKeyFile.seal([], purpose: "site", with: .passphrase([]), random: random)
        #expect(try SealedKeyFile(bytes).open(with: .passphrase([]), purpose: "site") == [])
    }

    @Test("Damaged files are refused: 3,000 seeded cases")
    func hostile() throws {
        let plain = try #require(Hex.decode(vectors.sealedByLocalKey))
        for damaged in HostileInput.mutations(of: plain, count: 3000, seed: 50) + HostileInput.truncations(of: plain)
        where damaged != plain {
            #expect(throws: SealedKeyFileError.self) {
                try SealedKeyFile(damaged).open(with: localKey, purpose: "identity")
            }
        }
        #expect(throws: SealedKeyFileError.tooLarge) { try SealedKeyFile([UInt8](repeating: 0, count: 65_537)) }
        #expect(throws: SealedKeyFileError.unsupportedVersion) { try SealedKeyFile(Array("ROOSTKEY\u{2}".utf8)) }
    }
}
