// SPDX-License-Identifier: Apache-2.0
import Keys
import TestSupport
import Testing
import Wire

@Suite("Endorsements: keys.md §7")
struct EndorsementTests {
    private let keys: IdentityKeys
    private let created: [UInt8]
    private let siteKey: SigningKey
    private let site: Digest256

    init() throws {
        keys = try #require(IdentityKeys(random: (0..<96).map { UInt8($0) }))
        created = try #require(keys.create(devices: [], at: 1)).bytes
        siteKey = try #require(SigningKey(seed: [UInt8](repeating: 9, count: 32)))
        site = siteKey.publicKey.identifier
    }

    private func made(_ statements: [[UInt8]]? = nil, by keys: IdentityKeys? = nil) -> Endorsement? {
        Endorsement(statements: statements ?? [created], keys: keys ?? self.keys, site: site, siteKey: siteKey, at: 5)
    }

    @Test("both sides are read back from the bytes")
    func roundTrip() throws {
        let endorsement = try #require(made())
        let read = try Endorsement(endorsement.bytes)
        #expect(read.identity.id == keys.rootKey.publicKey.identifier)
        #expect(read.site == site && read.siteKey == siteKey.publicKey)
        #expect(read.statements == [created])
    }

    @Test("keys that are not the identity's any more make none")
    func formerKeys() throws {
        let identity = try Identity(created)
        let random = [UInt8](repeating: 3, count: 32)
        let (newKeys, rotation) = try #require(keys.rotate(identity, devices: [], random: random, at: 2))
        #expect(made([created, rotation.bytes]) == nil)
        #expect(made([created], by: newKeys) == nil)
        #expect(made([]) == nil)
        let later = try #require(made([created, rotation.bytes], by: newKeys))
        #expect(try Endorsement(later.bytes).identity.root == newKeys.rootKey.publicKey)
    }

    @Test("what one side says of another site or identity is not mutual")
    func mutual() throws {
        let mine = try #require(made())
        let good = try #require(try CBOR.decode(mine.bytes).map)
        let otherKey = try #require(SigningKey(seed: [UInt8](repeating: 8, count: 32)))
        let other = try #require(
            Endorsement(
                statements: [created],
                keys: keys,
                site: otherKey.publicKey.identifier,
                siteKey: otherKey,
                at: 5
            )
        )
        let foreign = try #require(try CBOR.decode(other.bytes).map)
        for key in ["by", "of"] {
            var mixed = good
            mixed[key] = foreign[key]
            #expect(throws: EndorsementError.notMutual) { try Endorsement(CBOR.map(mixed).encoded) }
        }
        var swapped = good
        (swapped["by"], swapped["of"]) = (good["of"], good["by"])
        #expect(throws: EndorsementError.record(.wrongType(received: "endorsed-by"))) {
            try Endorsement(CBOR.map(swapped).encoded)
        }
        let thief = try #require(IdentityKeys(random: (0..<96).map { UInt8(255 - $0) }))
        let theirs = try #require(thief.create(devices: [], at: 1)).bytes
        let forged = try #require(made([theirs], by: thief))
        var claimed = try #require(try CBOR.decode(forged.bytes).map)
        claimed["statements"] = good["statements"]
        #expect(throws: EndorsementError.notMutual) { try Endorsement(CBOR.map(claimed).encoded) }
    }

    @Test("it stands after later statements, and falls with a recovery that disowns its own")
    func agreement() throws {
        var identity = try Identity(created)
        let update = try #require(keys.update(identity, devices: [], at: 2)).bytes
        let endorsement = try #require(made([created, update]))
        #expect(endorsement.agrees(with: [created]))
        #expect(endorsement.agrees(with: [created, update]))
        #expect(!endorsement.agrees(with: []))
        let recovery = try #require(keys.recovery)
        let random = [UInt8](repeating: 4, count: 96)
        let recovered = try #require(IdentityKeys.recover(identity, with: recovery, devices: [], random: random, at: 3))
        try identity.apply(update)
        #expect(!endorsement.agrees(with: [created, recovered.statement.bytes]))
        let early = try #require(made())
        #expect(early.agrees(with: [created, recovered.statement.bytes]))
    }

    @Test("hostile bytes are refused")
    func hostile() throws {
        let good = try #require(made()).bytes
        var random = SplitMix64(seed: 11)
        for _ in 0..<500 {
            var bytes = good
            let index = Int.random(in: 0..<bytes.count, using: &random)
            bytes[index] ^= UInt8.random(in: 1...255, using: &random)
            #expect(throws: EndorsementError.self) { try Endorsement(bytes) }
            #expect(throws: EndorsementError.self) { try Endorsement(Array(good.prefix(index))) }
        }
        let long = [UInt8](repeating: 0, count: Endorsement.maximumByteCount + 1)
        #expect(throws: EndorsementError.malformed) { try Endorsement(long) }
    }
}
