// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Proof that an identity stands behind a site and the site says so too: one record by each, naming the other, with
/// the statements that show whose root key signed. `docs/protocols/keys.md` §7.
///
/// Neither record counts alone: a site cannot claim an identity that does not know of it, nor the other way round.
public struct Endorsement: Sendable {
    /// As the statements that came with it tell.
    public let identity: Identity
    /// The identity's statements, the oldest first.
    public let statements: [[UInt8]]
    /// Which site: the hash of its first key (`docs/protocols/feeds.md`).
    public let site: Digest256
    /// Who signed for the site: whether it writes the site's log is the caller's to ask.
    public let siteKey: PublicKey
    /// What is stored and passed on.
    public let bytes: [UInt8]

    /// The largest that is made or read (`docs/protocols/keys.md` §7).
    public static let maximumByteCount = 256 << 10
    /// The most statements in one: as often may the devices and keys of an identity have changed.
    public static let maximumStatements = 1024
    private static let identityType = "endorses"
    private static let siteType = "endorsed-by"
    private static let bodyKeys: Set<String> = ["identity", "site"]

    /// Signs for both sides. Nil where `keys` are not those of the identity that `statements` tell of, or they are
    /// too long for one endorsement.
    public init?(
        statements: [[UInt8]],
        keys: IdentityKeys,
        site: Digest256,
        siteKey: SigningKey,
        at time: UInt64
    ) {
        guard let identity = try? Identity(statements: statements), keys.rootKey.publicKey == identity.root else {
            return nil
        }
        let body: CBORMap = ["identity": .bytes(identity.id), "site": .bytes(site)]
        let records = [(Self.identityType, keys.rootKey), (Self.siteType, siteKey)].map { type, key in
            let record = Record(type: type, issuer: key.publicKey, notBefore: time, expires: nil, body: body)
            return CBOR.bytes(SignedRecord(record, by: key).bytes)
        }
        let map: CBOR = [
            "by": records[0], "of": records[1], "statements": .array(statements.map { .bytes($0) }),
        ]
        bytes = map.encoded
        guard bytes.count <= Self.maximumByteCount, statements.count <= Self.maximumStatements else { return nil }
        self.identity = identity
        self.statements = statements
        self.site = site
        self.siteKey = siteKey.publicKey
    }

    /// Reads and verifies both records and the statements.
    public init(_ bytes: [UInt8]) throws(EndorsementError) {
        let limits = CBOR.Limits(bytes: Self.maximumByteCount, depth: 3, values: Self.maximumStatements + 16)
        guard let map = try? CBOR.decode(bytes, limits: limits), let by = map["by"]?.bytes, let of = map["of"]?.bytes,
            let statements = map["statements"]?.array?.map(\.bytes), statements.count <= Self.maximumStatements,
            !statements.contains(nil)
        else { throw .malformed }
        self.statements = statements.compactMap { $0 }
        do throws(IdentityError) {
            identity = try Identity(statements: self.statements)
        } catch {
            throw .identity(error)
        }
        let identityRecord = try Self.record(by, type: Self.identityType)
        let siteRecord = try Self.record(of, type: Self.siteType)
        guard let site = siteRecord.body["site"]?.fixed(Digest256.self) else { throw .malformed }
        let id = identity.id
        guard Self.names(identityRecord, id, site), Self.names(siteRecord, id, site) else { throw .notMutual }
        guard identityRecord.issuer == identity.root else { throw .notTheRootKey }
        self.site = site
        siteKey = siteRecord.issuer
        self.bytes = bytes
    }

    private static func record(_ bytes: [UInt8], type: String) throws(EndorsementError) -> Record {
        do {
            return try SignedRecord(bytes, type: type, understanding: bodyKeys).record
        } catch {
            throw .record(error)
        }
    }

    private static func names(_ record: Record, _ identity: Digest256, _ site: Digest256) -> Bool {
        record.network.isEmpty && record.expires == nil && record.body["identity"]?.fixed(Digest256.self) == identity
            && record.body["site"]?.fixed(Digest256.self) == site
    }

    /// Whether it still stands for a reader who knows the identity by `known`, which may be longer or shorter.
    ///
    /// It does not where a recovery has disowned the statements that it rests on, or the two contradict each other.
    public func agrees(with known: [[UInt8]]) -> Bool {
        guard let mine = statements.last, let other = known.last else { return false }
        return known.contains(mine) || statements.contains(other)
    }
}

/// Why bytes are no endorsement.
public enum EndorsementError: Error, Equatable {
    case malformed
    case identity(IdentityError)
    case record(RecordError)
    /// The two records do not name the same identity and site.
    case notMutual
    /// The identity's part is not signed by the root key that its statements end with.
    case notTheRootKey
}

extension Identity {
    /// An identity from its statements, the oldest first. None may be missing, but those of ended epochs other than
    /// their first.
    public init(statements: [[UInt8]]) throws(IdentityError) {
        guard let first = statements.first else { throw .invalidStatement }
        try self.init(first)
        for statement in statements.dropFirst() { try apply(statement) }
    }
}
