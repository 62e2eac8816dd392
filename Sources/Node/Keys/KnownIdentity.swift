// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

/// The public side of an identity whose keys are here: what it is called in this home, and its statements.
///
/// Kept unsealed, so that identities can be listed without a passphrase; the statements prove themselves.
struct KnownIdentity: Sendable {
    /// What the owner calls it here; nobody else sees it.
    let name: String
    /// When it came into this home, in seconds since 1970: the first is the default.
    let added: Int64
    private(set) var statements: [[UInt8]]
    private(set) var identity: Identity

    static let maximumByteCount = 1 << 20
    static let maximumNameByteCount = IdentityStatement.maximumNameByteCount
    private static let limits = CBOR.Limits(bytes: maximumByteCount, depth: 3, values: 8192)

    /// Fails unless the statements follow each other.
    init(name: String, added: Int64, statements: [[UInt8]]) throws(IdentityError) {
        self.name = name
        self.added = added
        self.statements = statements
        identity = try Identity(statements: statements)
    }

    /// Nil unless the bytes are what ``encoded`` writes for an identity whose statements hold.
    init?(encoded: [UInt8]) {
        guard let map = try? CBOR.decode(encoded, limits: Self.limits), let name = map["name"]?.text,
            let added = map["added"]?.integer, let parts = map["statements"]?.array
        else { return nil }
        let statements = parts.compactMap(\.bytes)
        guard statements.count == parts.count,
            let known = try? KnownIdentity(name: name, added: added, statements: statements)
        else { return nil }
        self = known
    }

    var encoded: [UInt8] {
        let map: CBOR = [
            "name": .text(name), "added": .integer(added), "statements": .array(statements.map { .bytes($0) }),
        ]
        return map.encoded
    }

    /// Adopts a later statement. A recovery drops those of the epoch it ends, but the first.
    mutating func append(_ statement: SignedRecord) throws(IdentityError) {
        let epochStart = identity.epochStart
        try identity.apply(statement.bytes)
        if identity.statement.act == .recover,
            let start = statements.lastIndex(where: { Hash.sha256($0) == epochStart })
        {
            statements.removeSubrange((start + 1)...)
        }
        statements.append(statement.bytes)
    }

    /// A name that a person gives to an identity or a device: one line, 1 to 64 bytes.
    static func checkName(_ name: String) throws(NodeError) {
        let isPrintable = name.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: false
            default: true
            }
        }
        let isTrimmed = name.trimmed == name && !name.hasPrefix("-")
        guard !name.isEmpty, name.utf8.count <= maximumNameByteCount, isPrintable, isTrimmed,
            Digest256(hex: name) == nil
        else {
            throw NodeError(
                .usage,
                "this cannot be a name: it has 1 to 64 bytes in one line, does not start with '-' and is no hash",
                remedy: "Choose another name."
            )
        }
    }
}

/// What is sealed into an identity's key file: the keys in force, and those of a statement that may not be written yet.
struct IdentityKeyFile: Sendable {
    var keys: IdentityKeys
    /// The keys that count once the statement of that hash is among the identity's.
    var staged: (keys: IdentityKeys, statement: Digest256)?
    /// The public half as ``KnownIdentity`` writes it, from which a lost one comes again. Nil in files of before.
    var known: [UInt8]?

    /// The longest public half that fits beside the keys into a file that is sealed.
    private static let maximumKnownByteCount = 60_000

    /// With a copy of the public half, where one is given that fits.
    init(keys: IdentityKeys, known: KnownIdentity? = nil) {
        self.keys = keys
        let encoded = known?.encoded
        self.known = encoded.flatMap { $0.count <= Self.maximumKnownByteCount ? $0 : nil }
    }

    init?(encoded: [UInt8]) {
        guard let map = try? CBOR.decode(encoded),
            let keys = map["keys"]?.bytes.flatMap({ IdentityKeys(encoded: $0) })
        else { return nil }
        self.keys = keys
        if let staged = map["staged"]?.bytes.flatMap({ IdentityKeys(encoded: $0) }),
            let statement = map["for"]?.fixed(Digest256.self)
        {
            self.staged = (staged, statement)
        }
        known = map["known"]?.bytes
    }

    var encoded: [UInt8] {
        let (staged, statement): (CBOR, CBOR) =
            staged.map { (.bytes($0.keys.encoded), .bytes($0.statement)) } ?? (.null, .null)
        // Without a copy as files of before are.
        let map: CBOR =
            if let known {
                ["keys": .bytes(keys.encoded), "staged": staged, "for": statement, "known": .bytes(known)]
            } else {
                ["keys": .bytes(keys.encoded), "staged": staged, "for": statement]
            }
        return map.encoded
    }
}
