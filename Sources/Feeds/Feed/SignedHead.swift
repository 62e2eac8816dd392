// SPDX-License-Identifier: Apache-2.0
public import Keys
public import Wire

/// How often a feed has changed hands. A later epoch supersedes an earlier one, whatever was signed in that.
public struct FeedEpoch: Hashable, Sendable, Comparable {
    /// By the recovery key; each ends all that came before.
    public var recoveries: Int
    /// To the next key, in all.
    public var rotations: Int

    /// A log that has only its root record has changed hands no time.
    public init(recoveries: Int = 0, rotations: Int = 0) {
        self.recoveries = recoveries
        self.rotations = rotations
    }

    /// A recovery outweighs any number of rotations: a thief who has the next key can rotate at will.
    public static func < (left: FeedEpoch, right: FeedEpoch) -> Bool {
        (left.recoveries, left.rotations) < (right.recoveries, right.rotations)
    }
}

/// A writer's signature under the state of a log: `{size, root}`.
///
/// The bytes received are kept: the pointer in the DHT names a head by their hash.
public struct SignedHead: Equatable, Sendable {
    /// SHA-256 of the site key.
    public let site: Digest256
    /// How many entries the log has: at least the root record.
    public let size: Int
    /// The root of the log's tree over those entries.
    public let root: Digest256
    /// Seconds since 1970, a claim.
    public let time: Int64
    /// Which key changes the log contains.
    public let epoch: FeedEpoch
    /// The key that signed.
    public let writer: PublicKey
    /// 64 bytes of signature, then the body as deterministic CBOR.
    public let bytes: [UInt8]

    /// SHA-256 of ``bytes``: `r` of the pointer in the DHT.
    public var hash: Digest256 { Hash.sha256(bytes) }

    private static let domain = Array("roost/head".utf8)

    /// Signs a head.
    public init(site: Digest256, size: Int, root: Digest256, time: Int64, epoch: FeedEpoch, signer: SigningKey) {
        precondition(size > 0 && size <= FeedSpecification.entries, "a head covers at least the root record")
        let body = SignedStatement.encode([
            ("epoch", [.integer(Int64(epoch.recoveries)), .integer(Int64(epoch.rotations))]),
            ("root", .bytes(root)), ("site", .bytes(site)), ("size", .integer(Int64(size))), ("time", .integer(time)),
            ("writer", .bytes(signer.publicKey)),
        ])
        self.site = site
        self.size = size
        self.root = root
        self.time = time
        self.epoch = epoch
        writer = signer.publicKey
        bytes = signer.sign(Self.domain + body).bytes + body
    }

    /// Reads a head whose signature is the writer's own; whether the writer may write is for the log to say.
    ///
    /// Nil for anything else: a forged head tells no more than noise does.
    public init?(_ bytes: [UInt8]) { self.init(bytes, without: []) }

    package init?(_ bytes: [UInt8], without: Set<FeedDefence>) {
        guard bytes.count <= FeedSpecification.headBytes, let signature = Signature(bytes.prefix(Signature.byteCount))
        else {
            return nil
        }
        let body = Array(bytes.dropFirst(Signature.byteCount))
        guard let fields = try? Fields(body),
            fields.writer.verifies(signature, over: Self.domain + body) || without.contains(.headSignatures)
        else { return nil }
        site = fields.site
        size = fields.size
        root = fields.root
        time = fields.time
        epoch = fields.epoch
        writer = fields.writer
        self.bytes = bytes
    }

    private struct Fields {
        let site: Digest256
        let size: Int
        let root: Digest256
        let time: Int64
        let epoch: FeedEpoch
        let writer: PublicKey

        init(_ body: [UInt8]) throws(FeedError) {
            let reader = try FieldReader(body, limit: FeedSpecification.headBytes)
            try reader.checkCritical(known: ["epoch", "root", "site", "size", "time", "writer"])
            site = try reader.fixed("site")
            size = Int(try reader.integer("size", in: 1...Int64(FeedSpecification.entries)))
            root = try reader.fixed("root")
            time = try reader.integer("time", in: 0...Int64.max)
            writer = try reader.fixed("writer")
            guard let counts = reader.map["epoch"]?.array, counts.count == 2, let recoveries = counts[0].integer,
                let rotations = counts[1].integer, (0..<Int64(size)).contains(recoveries),
                (0..<Int64(size)).contains(rotations)
            else { throw .invalid(field: "epoch") }
            epoch = FeedEpoch(recoveries: Int(recoveries), rotations: Int(rotations))
        }
    }
}
