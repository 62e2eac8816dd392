// SPDX-License-Identifier: Apache-2.0
public import Keys
public import Wire

/// The place in a site's history that a key change is bound to, so that it counts nowhere else.
public struct LogPosition: Equatable, Sendable {
    /// SHA-256 of the site key.
    public var site: Digest256
    /// How many entries come before.
    public var size: Int
    /// The root over them.
    public var root: Digest256

    /// Where the next entry of a log stands: see ``SiteLog/position``.
    public init(site: Digest256, size: Int, root: Digest256) {
        self.site = site
        self.size = size
        self.root = root
    }
}

/// Hands the log to the next key, which was committed to beforehand, and commits to another.
public struct Rotation: Equatable, Sendable {
    /// Where in the log it counts, and nowhere else.
    public var position: LogPosition
    /// The next key, now revealed: it writes from here on.
    public var key: PublicKey
    /// SHA-256 of the key after it.
    public var next: Digest256
    /// By ``key``.
    public var signature: Signature

    /// Signs a rotation; `signer` is the private half of the committed next key.
    public init(position: LogPosition, next: Digest256, signer: SigningKey) {
        self.position = position
        key = signer.publicKey
        self.next = next
        signature = signer.sign(Self.statement(position: position, key: signer.publicKey, next: next))
    }

    init(position: LogPosition, key: PublicKey, next: Digest256, signature: Signature) {
        self.position = position
        self.key = key
        self.next = next
        self.signature = signature
    }

    /// Whether the key that takes over signed it. Whether it was committed to is the log's to tell.
    public var isSigned: Bool {
        key.verifies(signature, over: Self.statement(position: position, key: key, next: next))
    }

    private static func statement(position: LogPosition, key: PublicKey, next: Digest256) -> [UInt8] {
        SignedStatement.bytes(domain: "roost/rotate", fields(position: position, key: key, next: next))
    }

    static func fields(position: LogPosition, key: PublicKey, next: Digest256) -> [(CBOR, CBOR)] {
        position.fields + [("key", .bytes(key)), ("next", .bytes(next)), ("type", "rotate")]
    }
}

/// The owner's answer to a stolen key: says where the good history ended and who writes from there on.
///
/// Whatever an earlier key signed beyond that place is superseded, however long it is and whatever numbers it used.
public struct Recovery: Equatable, Sendable {
    /// The last good state of the log: entries from `position.size` on were not the owner's.
    public var position: LogPosition
    /// The recovery key, now revealed.
    public var revealed: PublicKey
    /// Who writes from here on.
    public var key: PublicKey
    /// SHA-256 of the new next key.
    public var next: Digest256
    /// SHA-256 of the new recovery key.
    public var recovery: Digest256
    /// The signed head of the thief as the owner saw it, so that even a new reader is shown both histories.
    public var stolen: [UInt8]?
    /// Seconds since 1970, a claim.
    public var time: Int64
    /// By ``revealed``.
    public var signature: Signature

    /// Signs a recovery; `signer` is the private half of the committed recovery key.
    ///
    /// `stolen` has at most ``FeedSpecification/headBytes`` bytes.
    public init(
        position: LogPosition,
        key: PublicKey,
        next: Digest256,
        recovery: Digest256,
        stolen: [UInt8]? = nil,
        time: Int64,
        signer: SigningKey
    ) {
        self.position = position
        revealed = signer.publicKey
        self.key = key
        self.next = next
        self.recovery = recovery
        self.stolen = stolen
        self.time = time
        // The statement is over the other fields: the first signature only stands in until they can be read.
        signature = signer.sign([])
        signature = signer.sign(statement)
    }

    init(_ reader: FieldReader, position: LogPosition) throws(FeedError) {
        self.position = position
        revealed = try reader.fixed("with")
        key = try reader.fixed("key")
        next = try reader.fixed("next")
        recovery = try reader.fixed("recovery")
        stolen = try reader.bytes("stolen", limit: FeedSpecification.headBytes)
        time = try reader.integer("time", in: 0...Int64.max)
        signature = try reader.fixed("sig")
    }

    /// Whether the recovery key that it reveals signed it. Whether it was committed to is the log's to tell.
    public var isSigned: Bool { revealed.verifies(signature, over: statement) }

    private var statement: [UInt8] { SignedStatement.bytes(domain: "roost/recover", fields) }

    var fields: [(CBOR, CBOR)] {
        var fields =
            position.fields + [
                ("key", .bytes(key)), ("next", .bytes(next)), ("recovery", .bytes(recovery)), ("time", .integer(time)),
                ("type", "recover"), ("with", .bytes(revealed)),
            ]
        if let stolen { fields.append(("stolen", .bytes(stolen))) }
        return fields
    }
}

extension LogPosition {
    init(_ reader: FieldReader) throws(FeedError) {
        self.init(
            site: try reader.fixed("site"),
            size: try reader.count("size", upTo: FeedSpecification.entries),
            root: try reader.fixed("root")
        )
    }

    var fields: [(CBOR, CBOR)] {
        [("root", .bytes(root)), ("site", .bytes(site)), ("size", .integer(Int64(size)))]
    }
}
