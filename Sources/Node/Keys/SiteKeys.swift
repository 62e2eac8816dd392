// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

/// The secret keys of an own site as they are used.
struct SiteKeys: Sendable {
    /// SHA-256 of the first key: the site's name for ever.
    let site: Digest256
    /// Writes the site's log.
    let signing: SigningKey
    /// Takes over by rotation; the log holds its hash.
    let next: SigningKey
    /// The site key, once another writes the log: links that name it still find the site. Nil too where this home
    /// never had it.
    var origin: SigningKey?

    /// Further keys under which the pointer in the DHT is put.
    var pointers: [SigningKey] { origin.map { [$0] } ?? [] }

    /// What the log commits to.
    var nextCommitment: Digest256 { next.publicKey.identifier }
}

/// A site that has keys and no history yet.
struct NewSite: Sendable {
    let keys: SiteKeys
    /// SHA-256 of the recovery key, for the root record.
    let recoveryCommitment: Digest256
    /// Where the recovery kit was written.
    let kitPath: String
}

/// A rotation whose keys are on disk: what its entry needs, and the keys that count once it stands in the log.
struct SiteRotation: Sendable {
    /// The committed next key: signs the entry, and writes from then on.
    let signer: SigningKey
    let successor: SiteKeys
}

/// A recovery whose keys are on disk, and its new kit.
struct SiteRecovery: Sendable {
    /// The recovery key of the kit that was given: signs the entry.
    let signer: SigningKey
    let successor: SiteKeys
    /// SHA-256 of the new recovery key.
    let recoveryCommitment: Digest256
    /// Where the new kit was written; the old one is spent.
    let kitPath: String
}

/// What is sealed into a site's key file.
///
/// Keys for a change are staged beside those in force before the log's entry is written, and take their place after
/// it: a crash in between loses neither, and the log says which ones count.
struct SiteKeyFile: Sendable, Equatable {
    struct Pair: Sendable, Equatable {
        let signing: SecretKey
        let next: SecretKey

        var writer: PublicKey { SigningKey(signing).publicKey }

        func keys(of site: Digest256, origin: SecretKey?) -> SiteKeys {
            let signing = SigningKey(signing)
            let origin = origin.map { SigningKey($0) }
            let isSame = origin?.publicKey == signing.publicKey
            return SiteKeys(site: site, signing: signing, next: SigningKey(next), origin: isSame ? nil : origin)
        }
    }

    struct Staged: Sendable, Equatable {
        let pair: Pair
        /// Of a recovery: the commitment that it makes, and the one that it uses up.
        let recovery: Digest256?
        let replaces: Digest256?
    }

    /// The site key, kept for ever; nil where only the kit was left.
    var origin: SecretKey?
    /// Nil where only the kit was left, until the recovery stands in the log.
    var current: Pair?
    var staged: Staged?

    var encoded: [UInt8] {
        let map: CBOR = [
            "origin": origin.map { .bytes($0.bytes) } ?? .null, "current": Self.encode(current),
            "staged": staged.map(Self.encode) ?? .null,
        ]
        return map.encoded
    }

    private static func encode(_ pair: Pair?) -> CBOR {
        guard let pair else { return .null }
        return ["signing": .bytes(pair.signing.bytes), "next": .bytes(pair.next.bytes)]
    }

    private static func encode(_ staged: Staged) -> CBOR {
        [
            "pair": encode(staged.pair), "recovery": staged.recovery.map { .bytes($0) } ?? .null,
            "replaces": staged.replaces.map { .bytes($0) } ?? .null,
        ]
    }

    init(origin: SecretKey?, current: Pair?) {
        self.origin = origin
        self.current = current
    }

    /// Nil unless `encoded` is what ``encoded`` writes.
    init?(encoded: [UInt8]) {
        guard let map = try? CBOR.decode(encoded) else { return nil }
        origin = map["origin"]?.bytes.flatMap { SecretKey($0) }
        current = map["current"].flatMap(Self.pair)
        staged = map["staged"].flatMap(Self.staged)
        guard self.encoded == encoded else { return nil }
    }

    private static func pair(_ value: CBOR) -> Pair? {
        guard let signing = value["signing"]?.bytes.flatMap({ SecretKey($0) }),
            let next = value["next"]?.bytes.flatMap({ SecretKey($0) })
        else { return nil }
        return Pair(signing: signing, next: next)
    }

    private static func staged(_ value: CBOR) -> Staged? {
        guard let pair = value["pair"].flatMap(pair) else { return nil }
        return Staged(
            pair: pair,
            recovery: value["recovery"]?.fixed(Digest256.self),
            replaces: value["replaces"]?.fixed(Digest256.self)
        )
    }
}
