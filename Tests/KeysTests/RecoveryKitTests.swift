// SPDX-License-Identifier: Apache-2.0
import Keys
import TestSupport
import Testing
import Wire

@Suite("Recovery kit")
struct RecoveryKitTests {
    private let vectors: KeyVectors
    private let kit: RecoveryKit

    init() throws {
        vectors = try KeyVectors.load()
        kit = RecoveryKit(
            .identity,
            subject: try #require(Digest256(hex: vectors.identity.id)),
            seed: try #require(SecretKey(hex: vectors.identity.recovery))
        )
    }

    @Test("The text is the one of the second implementation, both ways")
    func vector() throws {
        #expect(kit.text == vectors.recoveryKit)
        #expect(try RecoveryKit(vectors.recoveryKit) == kit)
    }

    @Test("It is read as people type it: any case and spacing, O and I and B as digits, comment lines")
    func asTyped() throws {
        let spoiled = vectors.recoveryKit.lowercased().replacing("o", with: "0").replacing("i", with: "1")
            .replacing("b", with: "8").replacing(" ", with: "-")
        #expect(try RecoveryKit("# my kit, printed in 2026\n" + spoiled + "\r\n# keep it dry\n") == kit)
        #expect(try RecoveryKit(vectors.recoveryKit.filter { !$0.isWhitespace }) == kit)
    }

    @Test("It recovers the identity that it was made for")
    func recovery() throws {
        let create = try #require(Hex.decode(vectors.identity.create))
        var identity = try Identity(create)
        let kit = try RecoveryKit(vectors.recoveryKit)
        #expect(kit.subject == identity.id)
        var random = SplitMix64(seed: 40)
        let recovered = try #require(
            IdentityKeys.recover(identity, with: kit.seed, devices: [], random: random.bytes(96), at: 1)
        )
        try identity.apply(recovered.statement.bytes)
        #expect(identity.root == recovered.keys.rootKey.publicKey)
    }

    @Test("Every slip of one character is found")
    func slips() {
        let characters = Array(vectors.recoveryKit.filter { !$0.isWhitespace })
        for index in characters.indices {
            var slipped = characters
            slipped[index] = slipped[index] == "Q" ? "R" : "Q"
            #expect(throws: RecoveryKit.Failure.self) { try RecoveryKit(String(slipped)) }
        }
        #expect(throws: RecoveryKit.Failure.wrongLength(received: 111)) {
            try RecoveryKit(String(characters.dropLast()))
        }
        #expect(throws: RecoveryKit.Failure.wrongLength(received: 113)) { try RecoveryKit(String(characters) + "AAA") }
        #expect(throws: RecoveryKit.Failure.unreadableCharacter("9")) { try RecoveryKit("9" + String(characters)) }
        #expect(throws: RecoveryKit.Failure.unreadableCharacter("\u{e9}")) { try RecoveryKit("\u{e9}") }
        #expect(throws: RecoveryKit.Failure.wrongLength(received: 0)) { try RecoveryKit("") }
    }

    @Test("Damaged texts are refused: 2,000 seeded cases")
    func hostile() {
        for bytes in HostileInput.mutations(of: Array(kit.text.utf8), count: 2000, seed: 41) {
            guard let read = try? RecoveryKit(String(decoding: bytes, as: UTF8.self)) else { continue }
            #expect(read == kit)
        }
    }

    @Test("Printing a kit shows no secret")
    func printing() {
        var dumped = ""
        dump(kit, to: &dumped)
        #expect(!dumped.contains("[4") && !"\(kit)".contains("4, 4"))
    }
}
