// SPDX-License-Identifier: Apache-2.0
internal import Wire

@testable internal import Keys

/// What an identity and its endorsements make of statements whose signatures are right and whose words are the input's.
enum IdentityTrial {
    /// Root, next and recovery key are known ones.
    private static let keys = IdentityKeys(random: [1, 2, 3].flatMap { KnownKeys.all[$0].seed ?? [] })

    /// An identity with one device, and what could come next.
    static let known: Identity? = created.flatMap { try? Identity($0.bytes) }

    private static let created = keys?.create(
        devices: [IdentityStatement.Device(key: KnownKeys.all[4].publicKey, name: "a device")],
        at: 1
    )

    static func samples() -> [[UInt8]] {
        guard let keys, let created, let known, let recovery = keys.recovery else { return [] }
        let fresh = [5, 6, 7].flatMap { KnownKeys.all[$0].seed ?? [] }
        let successors = [
            keys.update(known, devices: [], at: 2),
            keys.rotate(known, devices: known.devices, random: Array(fresh.prefix(32)), at: 2)?.statement,
            IdentityKeys.recover(known, with: recovery, devices: [], random: fresh, at: 2)?.statement,
        ].compactMap(\.self)
        let endorsements = [[created], [created] + successors.prefix(1)].compactMap { statements in
            Endorsement(
                statements: statements.map(\.bytes),
                keys: keys,
                site: FuzzTarget.signer.publicKey.identifier,
                siteKey: FuzzTarget.signer,
                at: 5
            )
        }
        return [created.bytes] + ([created] + successors).map(\.record.encoded) + endorsements.map(\.bytes)
            + CarriedIdentityTrial.samples(statements: [created.bytes], keys: keys)
    }

    /// As a statement, as an endorsement and as a file of an identity as they come, as the payload of a statement whose signature is right, and as an
    /// endorsement in which all signatures are made right.
    static func run(_ bytes: [UInt8]) throws {
        _ = try? Identity(bytes)
        try CarriedIdentityTrial.run(bytes)
        for endorsement in endorsements(bytes) {
            try hold(endorsement.agrees(with: endorsement.statements), "an endorsement agrees with itself")
            let again = try? Endorsement(endorsement.bytes)
            try hold(again?.site == endorsement.site, "an endorsement is read again the same")
        }
        let statement = KnownKeys.signed(bytes, type: IdentityStatement.recordType)
        guard statement.count <= RecordSpecification.maximumByteCount,
            let read = try? IdentityStatement.read(statement)
        else { return }
        try hold(read.record.bytes == statement, "a statement keeps the bytes that were signed")
        if let identity = try? Identity(statement) {
            try hold(identity.id == identity.root.identifier, "an identity begins with the key that names it")
        }
        _ = try applied(statement)
    }

    /// Those that the input gives.
    static func endorsements(_ bytes: [UInt8]) -> [Endorsement] {
        [bytes, signedAgain(bytes)].compactMap { $0.flatMap { try? Endorsement($0) } }
    }

    private static func signedAgain(_ bytes: [UInt8]) -> [UInt8]? {
        guard let map = try? CBOR.decode(bytes), let by = map["by"]?.bytes, let of = map["of"]?.bytes,
            let statements = map["statements"]?.array
        else { return nil }
        let signed = statements.compactMap { statement in
            statement.bytes.map { CBOR.bytes(KnownKeys.signedAgain($0, type: IdentityStatement.recordType)) }
        }
        let again: CBOR = [
            "by": .bytes(KnownKeys.signedAgain(by, type: "endorses")),
            "of": .bytes(KnownKeys.signedAgain(of, type: "endorsed-by")), "statements": .array(signed),
        ]
        return again.encoded
    }

    /// The known identity after a statement, where it took it.
    static func applied(_ statement: [UInt8]) throws -> Identity? {
        guard let known else { return nil }
        var identity = known
        do {
            try identity.apply(statement)
        } catch {
            try hold(identity.head == known.head && identity.statement == known.statement, "a refusal changes nothing")
            return nil
        }
        let (before, after) = (known.statement, identity.statement)
        try hold((after.epoch, after.sequence) > (before.epoch, before.sequence), "an identity only goes forwards")
        try hold(identity.id == known.id, "an identity keeps its name")
        try hold(
            after.act == .recover || after.recovery == before.recovery,
            "only a recovery changes who may recover"
        )
        try hold(
            after.act != .update || (after.root == before.root && after.next == before.next),
            "an update changes no key"
        )
        return identity
    }
}
