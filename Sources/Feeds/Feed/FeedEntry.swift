// SPDX-License-Identifier: Apache-2.0
public import Keys
public import Wire

/// What one entry of a site's log says (`docs/protocols/feeds.md` §3).
public enum FeedEntry: Equatable, Sendable {
    case root(RootRecord)
    case release(Release)
    case withdraw(Withdrawal)
    case rotate(Rotation)
    case recover(Recovery)
    /// Lets the log of `key` count; evaluated once feeds merge several logs.
    case admit(key: PublicKey)
    /// Ends what ``admit(key:)`` began: of that log the first `size` entries still count.
    case remove(key: PublicKey, size: Int)
    /// An identity stands behind the site: what `Keys.Endorsement` wrote. Checked by whoever shows it.
    case endorse([UInt8])
    /// A type from a later version: kept and passed on, without effect here.
    case unknown(type: String)
}

/// Entry 0 of every feed: who writes it, and who may take it over.
public struct RootRecord: Equatable, Sendable {
    /// The site key: SHA-256 of it is the site id.
    public var key: PublicKey
    /// SHA-256 of the key that a rotation will reveal.
    public var next: Digest256
    /// SHA-256 of the key that a recovery will reveal.
    public var recovery: Digest256
    /// Keys of other logs that are admitted from the start, ascending.
    public var writers: [PublicKey]
    /// By ``key``: without it anybody could begin a feed for a site with commitments of their own.
    public var signature: Signature

    /// Signs a root record; `signer` is the site key, and `writers` ascend.
    public init(next: Digest256, recovery: Digest256, writers: [PublicKey] = [], signer: SigningKey) {
        self.init(
            key: signer.publicKey,
            next: next,
            recovery: recovery,
            writers: writers,
            signature: signer.sign(
                SignedStatement.bytes(
                    domain: Self.domain,
                    Self.fields(key: signer.publicKey, next: next, recovery: recovery, writers: writers)
                )
            )
        )
    }

    init(key: PublicKey, next: Digest256, recovery: Digest256, writers: [PublicKey], signature: Signature) {
        self.key = key
        self.next = next
        self.recovery = recovery
        self.writers = writers
        self.signature = signature
    }

    private static let domain = "roost/root"

    /// Whether the site key signed it.
    public var isSigned: Bool { key.verifies(signature, over: SignedStatement.bytes(domain: Self.domain, fields)) }

    var fields: [(CBOR, CBOR)] { Self.fields(key: key, next: next, recovery: recovery, writers: writers) }

    private static func fields(
        key: PublicKey,
        next: Digest256,
        recovery: Digest256,
        writers: [PublicKey]
    ) -> [(CBOR, CBOR)] {
        [
            ("key", .bytes(key)), ("next", .bytes(next)), ("recovery", .bytes(recovery)), ("type", "root"),
            ("writers", .array(writers.map { .bytes($0) })),
        ]
    }
}

/// The owner's word that a release should not be shown any more. Its bytes stay whatever they are.
public struct Withdrawal: Equatable, Sendable {
    /// The number of the release that is withdrawn.
    public var seq: Int64
    /// For people; at most ``FeedSpecification/messageBytes`` bytes.
    public var reason: String
    /// Seconds since 1970, a claim.
    public var time: Int64

    /// Nothing is checked here: the feed refuses what lies outside its bounds.
    public init(seq: Int64, reason: String = "", time: Int64) {
        self.seq = seq
        self.reason = reason
        self.time = time
    }
}
