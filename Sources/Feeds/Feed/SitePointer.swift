// SPDX-License-Identifier: Apache-2.0
public import Keys
public import Wire

/// The value of a site's mutable item in the DHT (BEP 46): where its newest release is.
///
/// A hint, not an authority: the feed decides. A stock item has only ``infohash``.
public struct SitePointer: Equatable, Sendable {
    /// `ih`: the infohash of the v1 twin, which every client can open.
    public var infohash: Digest160?
    /// `ih2`: the infohash of the v2 torrent.
    public var infohashV2: Digest256?
    /// `r`: SHA-256 of the signed head that this points from.
    public var head: Digest256?

    /// The most bytes that BEP 44 allows for a value.
    public static let maximumBytes = 1000

    /// Either infohash may be nil: who reads it needs one of the two, or the head.
    public init(infohash: Digest160?, infohashV2: Digest256? = nil, head: Digest256? = nil) {
        self.infohash = infohash
        self.infohashV2 = infohashV2
        self.head = head
    }

    /// What to put for the newest release of a feed; nil when it has none.
    public init?(_ feed: SiteFeed) {
        guard let release = feed.state.newest?.release else { return nil }
        self.init(infohash: release.v1, infohashV2: release.v2, head: feed.head.hash)
    }

    /// Reads a bencoded value; unknown keys are ignored, a known one of the wrong length refuses all.
    public init(value: [UInt8]) throws(SitePointerError) {
        let limits = Bencode.Limits(bytes: Self.maximumBytes, depth: 8, values: 256)
        let node: BencodeNode
        do throws(BencodeError) {
            node = try Bencode.parse(value, mode: .strict, limits: limits)
        } catch {
            throw .malformed(error)
        }
        guard node.isDictionary else { throw .notADictionary }
        infohash = try Self.field("ih", of: node)
        infohashV2 = try Self.field("ih2", of: node)
        head = try Self.field("r", of: node)
        guard infohash != nil || infohashV2 != nil else { throw .namesNothing }
    }

    private static func field<Value: FixedBytes>(
        _ key: String,
        of node: BencodeNode
    ) throws(SitePointerError) -> Value? {
        guard let field = node[key] else { return nil }
        guard let value = field.fixed(Value.self) else { throw .invalid(field: key) }
        return value
    }

    /// Canonical bencoding, at most 107 bytes.
    public var encoded: [UInt8] {
        var fields: [String: BencodeValue] = [:]
        if let infohash { fields["ih"] = .bytes(infohash.bytes) }
        if let infohashV2 { fields["ih2"] = .bytes(infohashV2.bytes) }
        if let head { fields["r"] = .bytes(head.bytes) }
        return BencodeValue.dictionary(fields).encoded
    }

    /// Where a mutable item lives: SHA-1 of key and salt (BEP 44).
    public static func target(of key: PublicKey, salt: [UInt8] = []) -> Digest160 { Hash.sha1(key.bytes + salt) }
}

/// Why bytes are no pointer to a site.
public enum SitePointerError: Error, Equatable {
    case malformed(BencodeError)
    case notADictionary
    /// A known key whose value is not a byte string of the right length.
    case invalid(field: String)
    /// Neither `ih` nor `ih2`.
    case namesNothing
}
