// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Storage
internal import Wire

/// Carrying an identity to another home: `"ROOSTID1" ‖ CBOR {name, statements, sealed}`, where `sealed` is a key file
/// under a passphrase. `docs/protocols/keys.md` §8.
extension NodeKeys {
    static let exportMagic = Array("ROOSTID1".utf8)
    private static let exportPurpose = "roost/identity-export/"
    /// The largest file that ``importIdentity(_:passphrase:name:)`` reads.
    public static let maximumExportByteCount = (1 << 20) + (128 << 10)

    /// The identity with its keys, sealed with `passphrase`, which must not be empty.
    public func exportIdentity(_ name: String, passphrase: [UInt8]) throws(NodeError) -> [UInt8] {
        let known = try knownIdentity(name)
        let keys = try changing { () throws(NodeError) in try identityKeys(of: known) }
        do throws(SealedKeyFileError) {
            let sealed = try SealedKeyFile.seal(
                keys.encoded,
                purpose: Self.exportPurpose + known.identity.id.description,
                with: .passphrase(passphrase),
                cost: .standard,
                random: Self.randomBytes(SealedKeyFile.randomByteCount)
            )
            let map: CBOR = [
                "name": .text(known.name), "statements": .array(known.statements.map { .bytes($0) }),
                "sealed": .bytes(sealed),
            ]
            return Self.exportMagic + map.encoded
        } catch {
            throw NodeError(.damaged(name: "export", error) as KeyStoreError)
        }
    }

    /// Takes in an exported identity, under `name` or the one it had. One that is here already is only brought up to
    /// date.
    public func importIdentity(
        _ file: [UInt8],
        passphrase: [UInt8],
        name: String? = nil
    ) throws(NodeError) -> IdentitySummary {
        let (known, sealed) = try Self.readExport(file, name: name)
        let keys = try Self.open(sealed, of: known, passphrase: passphrase)
        _ = try device()
        return try changing { () throws(NodeError) in
            let all = try knownIdentities()
            if let here = all.first(where: { $0.identity.id == known.identity.id }) {
                return try update(here, to: known, keys: keys)
            }
            try checkUnused(known.name)
            try save(IdentityKeyFile(keys: keys, known: known), of: known.identity.id)
            try save(known)
            try? remember()
            return try summary(known)
        }
    }

    /// Reads all but what is sealed.
    static func readExport(_ file: [UInt8], name: String?) throws(NodeError) -> (KnownIdentity, SealedKeyFile) {
        let limits = CBOR.Limits(bytes: maximumExportByteCount, depth: 3, values: 8192)
        guard file.starts(with: exportMagic),
            let map = try? CBOR.decode(file.dropFirst(exportMagic.count), limits: limits),
            let given = map["name"]?.text, let parts = map["statements"]?.array,
            case let statements = parts.compactMap(\.bytes), statements.count == parts.count,
            let sealed = map["sealed"]?.bytes.flatMap({ try? SealedKeyFile($0) }), sealed.protection == .passphrase
        else { throw notAnExport }
        let name = name ?? given
        try KnownIdentity.checkName(name)
        guard let known = try? KnownIdentity(name: name, added: WallClock.seconds, statements: statements),
            known.encoded.count <= KnownIdentity.maximumByteCount
        else { throw notAnExport }
        return (known, sealed)
    }

    private static let notAnExport = NodeError(
        .badData,
        "this is no exported identity, or it is damaged",
        remedy: "Write it again with `roost id export`."
    )

    private static func open(
        _ sealed: SealedKeyFile,
        of known: KnownIdentity,
        passphrase: [UInt8]
    ) throws(NodeError) -> IdentityKeys {
        let content: [UInt8]
        do throws(SealedKeyFileError) {
            let purpose = exportPurpose + known.identity.id.description
            content = try sealed.open(with: .passphrase(passphrase), purpose: purpose)
        } catch .authenticationFailed {
            throw NodeError(
                .notPermitted,
                "the passphrase does not open the exported identity, or the file is damaged",
                remedy: "Give the passphrase that it was exported with."
            )
        } catch {
            throw NodeError(.damaged(name: "export", error) as KeyStoreError)
        }
        guard let keys = IdentityKeys(encoded: content), keys.rootKey.publicKey == known.identity.root,
            SigningKey(keys.next).publicKey.identifier == known.identity.statement.next
        else { throw notAnExport }
        return keys
    }

    /// Our statements must be the beginning of theirs: anything else is older, or a contradiction.
    private func update(
        _ here: KnownIdentity,
        to other: KnownIdentity,
        keys: IdentityKeys
    ) throws(NodeError) -> IdentitySummary {
        guard store.hasFile(Self.name(ofIdentity: here.identity.id)) else {
            return try restore(here, keys: keys, other)
        }
        guard other.statements.starts(with: here.statements), let head = other.statements.last else {
            throw NodeError(
                .cannotCreate,
                "the identity is in this home as '\(here.name)', and what is here is newer or another history",
                remedy: "Keep the one that is here, or export it where it was changed last."
            )
        }
        let updated: KnownIdentity
        do throws(IdentityError) {
            updated = try KnownIdentity(name: here.name, added: here.added, statements: other.statements)
        } catch {
            throw NodeError(unexpected: error)
        }
        var file = IdentityKeyFile(keys: try identityKeys(of: here), known: here)
        file.staged = (keys, Hash.sha256(head))
        try save(file, of: here.identity.id)
        try save(updated)
        _ = try identityKeys(of: updated)
        return try summary(updated)
    }

    /// The keys of an identity whose key file is lost: the longer of the two histories counts, which these keys must sign.
    private func restore(
        _ here: KnownIdentity,
        keys: IdentityKeys,
        _ other: KnownIdentity
    ) throws(NodeError) -> IdentitySummary {
        let statements = other.statements.starts(with: here.statements) ? other.statements : here.statements
        guard statements.starts(with: other.statements),
            let known = try? KnownIdentity(name: here.name, added: here.added, statements: statements),
            known.identity.root == keys.rootKey.publicKey,
            known.identity.statement.next == SigningKey(keys.next).publicKey.identifier
        else {
            throw NodeError(
                .cannotCreate,
                "the identity is in this home as '\(here.name)', with another history or later keys",
                remedy: "Export it anew where it was changed last, or put its key file back from a copy of the home."
            )
        }
        try save(IdentityKeyFile(keys: keys, known: known), of: here.identity.id)
        try save(known)
        return try summary(known)
    }
}
