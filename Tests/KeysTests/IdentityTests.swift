// SPDX-License-Identifier: Apache-2.0
import Keys
import TestSupport
import Testing
import Wire

@Suite("Identities")
struct IdentityTests {
    private let vectors: KeyVectors.Statements
    private let keys: IdentityKeys
    private let laptop: IdentityStatement.Device

    init() throws {
        let all = try KeyVectors.load()
        vectors = all.identity
        let random = try Self.bytes(all.identity.root + all.identity.next + all.identity.recovery)
        keys = try #require(IdentityKeys(random: random))
        laptop = .init(key: try #require(PublicKey(hex: all.deviceKeyOfIdentity)), name: "laptop")
    }

    private static func bytes(_ hex: String) throws -> [UInt8] { try #require(Hex.decode(hex)) }

    @Test("Statements are byte for byte those of the second implementation")
    func vectorsMatch() throws {
        let create = try #require(keys.create(devices: [laptop], at: 1_700_000_000))
        #expect(Hex.encode(create.bytes) == vectors.create)
        var identity = try Identity(create.bytes)
        #expect(identity.id.hex == vectors.id)
        #expect(identity.admits(laptop.key))
        let recovery = try #require(SecretKey(hex: vectors.recovery))
        let recover = try #require(
            IdentityKeys.recover(
                identity,
                with: recovery,
                devices: [],
                random: Self.bytes(vectors.afterRecover),
                at: 1_700_000_200
            )
        )
        #expect(Hex.encode(recover.statement.bytes) == vectors.recover)
        let update = try #require(keys.update(identity, devices: [], at: 1_700_000_050))
        #expect(Hex.encode(update.bytes) == vectors.update)
        try identity.apply(update.bytes)
        #expect(!identity.admits(laptop.key))
        let rotate = try #require(
            keys.rotate(identity, devices: [], random: Self.bytes(vectors.afterRotate), at: 1_700_000_100)
        )
        #expect(Hex.encode(rotate.statement.bytes) == vectors.rotate)
        try identity.apply(rotate.statement.bytes)
        #expect(identity.root == rotate.keys.rootKey.publicKey)
        try identity.apply(recover.statement.bytes)
        #expect(identity.root == recover.keys.rootKey.publicKey)
        #expect(identity.statement.epoch == 1)
        #expect(identity.id.hex == vectors.id)
    }

    @Test(
        "A thief of the root key can neither rotate nor change what was committed to, and a recovery ends what he wrote"
    )
    func theft() throws {
        var identity = try Identity(Self.bytes(vectors.create))
        // The thief has the root key and keys of his own.
        var random = SplitMix64(seed: 30)
        let thief = try #require(IdentityKeys(random: keys.root.bytes + random.bytes(64)))
        #expect(thief.rotate(identity, devices: [], random: random.bytes(32), at: 1) == nil)
        let stolen = try #require(thief.update(identity, devices: [], at: 1_700_000_010))
        try identity.apply(stolen.bytes)
        #expect(throws: IdentityError.notEntitled) {
            try identity.apply(forged(on: identity, act: "rotate", by: thief))
        }
        #expect(throws: IdentityError.changesCommitment) {
            try identity.apply(forged(on: identity, act: "update", by: thief, next: .zero))
        }
        #expect(throws: IdentityError.changesCommitment) {
            try identity.apply(forged(on: identity, act: "update", by: thief, recovery: .zero))
        }
        try identity.apply(Self.bytes(vectors.recover))
        #expect(identity.statement.epoch == 1)
        #expect(throws: IdentityError.outdated) { try identity.apply(Self.bytes(vectors.update)) }
        #expect(thief.update(identity, devices: [], at: 2) == nil)
        #expect(identity.root != thief.rootKey.publicKey)
    }

    @Test("Statements out of order, repeated, forked or of another identity change nothing")
    func order() throws {
        var identity = try Identity(Self.bytes(vectors.create))
        #expect(throws: IdentityError.outdated) { try identity.apply(Self.bytes(vectors.create)) }
        #expect(throws: IdentityError.gap) { try identity.apply(Self.bytes(vectors.rotate)) }
        let one = try #require(keys.update(identity, devices: [laptop], at: 5))
        let other = try #require(keys.update(identity, devices: [], at: 6))
        try identity.apply(one.bytes)
        #expect(throws: IdentityError.outdated) { try identity.apply(one.bytes) }
        #expect(throws: IdentityError.fork) { try identity.apply(other.bytes) }
        var random = SplitMix64(seed: 31)
        let stranger = try #require(IdentityKeys(random: random.bytes(96)))
        let foreign = try #require(stranger.create(devices: [], at: 1))
        #expect(throws: IdentityError.anotherIdentity) { try identity.apply(foreign.bytes) }
        #expect(identity.head == one.hash)
        #expect(throws: IdentityError.invalidStatement) { try Identity(one.bytes) }
    }

    @Test("Keys come back from what is sealed, with and without the recovery key")
    func encoding() throws {
        var keys = keys
        #expect(IdentityKeys(encoded: keys.encoded)?.recovery == keys.recovery)
        keys.recovery = nil
        let read = try #require(IdentityKeys(encoded: keys.encoded))
        #expect(read.root == keys.root && read.next == keys.next && read.recovery == nil)
        #expect(read.create(devices: [], at: 0) == nil)
        #expect(!"\(keys)".contains("2, 2"))
        for bytes in HostileInput.mutations(of: keys.encoded, count: 500, seed: 32) {
            _ = IdentityKeys(encoded: bytes)
        }
    }

    @Test("Damaged statements are refused: 2,000 seeded cases")
    func hostile() throws {
        let create = try Self.bytes(vectors.create)
        for damaged in HostileInput.mutations(of: create, count: 2000, seed: 33) where damaged != create {
            #expect(throws: IdentityError.self) { try Identity(damaged) }
        }
    }

    /// A statement that the thief's own program would write: the newest one with some fields changed.
    private func forged(
        on identity: Identity,
        act: String,
        by keys: IdentityKeys,
        next: Digest256? = nil,
        recovery: Digest256? = nil
    ) -> [UInt8] {
        let statement = identity.statement
        let body: CBORMap = [
            "act": .text(act), "id": .bytes(statement.identity), "epoch": .unsigned(statement.epoch),
            "seq": .unsigned(statement.sequence + 1), "prev": .bytes(identity.head), "root": .bytes(statement.root),
            "next": .bytes(next ?? statement.next), "recovery": .bytes(recovery ?? statement.recovery), "devices": [],
        ]
        let record = Record(
            type: "identity",
            issuer: keys.rootKey.publicKey,
            notBefore: 0,
            expires: nil,
            body: body
        )
        return SignedRecord(record, by: keys.rootKey).bytes
    }
}
