// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

@testable internal import Node

/// Identities as files: an exported one, which somebody may have been handed, the statements beside the keys in a home, and what is
/// sealed in key files (`docs/protocols/keys.md` §6, §8).
enum CarriedIdentityTrial {
    /// Of an identity that was made by known keys.
    static func samples(statements: [[UInt8]], keys: IdentityKeys) -> [[UInt8]] {
        // What a passphrase sealed: nobody opens it here, so that no key need be derived for it.
        let head = Array("ROOSTKEY".utf8) + [1, 1, 0, 0, 0, 3, 0, 1, 0, 0]
        let sealed = head + [UInt8](repeating: 5, count: 16 + 24 + 40)
        let list = CBOR.array(statements.map { .bytes($0) })
        let export: CBOR = ["name": "me", "statements": list, "sealed": .bytes(sealed)]
        let named: CBOR = ["name": "-\n", "statements": list, "sealed": .bytes(sealed)]
        let stored: CBOR = ["name": "me", "added": 1000, "statements": list]
        var file = IdentityKeyFile(keys: keys)
        file.staged = (keys, Hash.sha256([1]))
        let pair = SiteKeyFile.Pair(signing: keys.root, next: keys.next)
        var site = SiteKeyFile(origin: keys.root, current: pair)
        site.staged = SiteKeyFile.Staged(pair: pair, recovery: Hash.sha256([2]), replaces: Hash.sha256([3]))
        return [
            NodeKeys.exportMagic + export.encoded, NodeKeys.exportMagic + named.encoded, stored.encoded,
            IdentityKeyFile(keys: keys).encoded, file.encoded,
            SiteKeyFile(origin: nil, current: pair).encoded, site.encoded,
        ]
    }

    static func run(_ bytes: [UInt8]) throws {
        for file in [bytes, signedAgain(bytes)].compactMap(\.self) {
            try export(file)
            try stored(file)
        }
        if let keys = IdentityKeys(encoded: bytes) {
            try hold(IdentityKeys(encoded: keys.encoded)?.encoded == keys.encoded, "keys survive being written")
        }
        if let file = IdentityKeyFile(encoded: bytes) {
            try hold(
                IdentityKeyFile(encoded: file.encoded)?.encoded == file.encoded,
                "an identity's key file survives being written"
            )
        }
        if let file = SiteKeyFile(encoded: bytes) {
            try hold(file.encoded == bytes, "a site's key file is the one encoding of its value")
        }
    }

    private static func export(_ bytes: [UInt8]) throws {
        guard let (known, sealed) = try? NodeKeys.readExport(bytes, name: nil) else { return }
        try hold(sealed.protection == .passphrase, "an export is under a passphrase")
        try hold((try? KnownIdentity.checkName(known.name)) != nil, "an imported name is one that a person may give")
        try check(known)
    }

    private static func stored(_ bytes: [UInt8]) throws {
        guard let known = KnownIdentity(encoded: bytes) else { return }
        try check(known)
    }

    /// What was read holds for whoever reads it from the home.
    private static func check(_ known: KnownIdentity) throws {
        let again = KnownIdentity(encoded: known.encoded)
        try hold(
            again?.encoded == known.encoded && again?.identity.head == known.identity.head,
            "an identity survives being written: \(known.name)"
        )
        let first = known.statements.first.flatMap { try? Identity($0) }
        try hold(first?.id == known.identity.id, "an identity is named by its first statement")
    }

    /// With right signatures on all statements, behind the export's first bytes or as it stands in a home.
    private static func signedAgain(_ bytes: [UInt8]) -> [UInt8]? {
        let isExport = bytes.starts(with: NodeKeys.exportMagic)
        let limits = CBOR.Limits(bytes: 1 << 16, depth: 3, values: 512)
        guard case .map(var map)? = try? CBOR.decode(isExport ? bytes.dropFirst(8) : bytes[...], limits: limits),
            let statements = map["statements"]?.array
        else { return nil }
        map["statements"] = .array(
            statements.map { statement in
                statement.bytes.map { .bytes(KnownKeys.signedAgain($0, type: IdentityStatement.recordType)) }
                    ?? statement
            }
        )
        return (isExport ? NodeKeys.exportMagic : []) + CBOR.map(map).encoded
    }
}
