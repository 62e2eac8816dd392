// SPDX-License-Identifier: Apache-2.0
public import Wire

/// What a publisher asks a keeper to keep.
public struct PushOffer: Equatable, Sendable {
    /// Whose release it is: the keeper fetches it from there, and believes only what the site's feed proves.
    public var site: Digest256
    /// The number of the release; a newer one will do.
    public var seq: Int64
    /// All its files together; a keeper that finds more refuses.
    public var bytes: Int64

    /// `bytes` is the publisher's word: the keeper measures itself.
    public init(site: Digest256, seq: Int64, bytes: Int64) {
        self.site = site
        self.seq = seq
        self.bytes = bytes
    }
}

/// Why a keeper does not keep something.
public enum PushRefusal: Int, Sendable, CaseIterable {
    /// The offer was not understood.
    case notUnderstood = 0
    /// It keeps nothing unasked, or no longer.
    case notWanted = 1
    /// A rule of this node forbids it.
    case denied = 2
    /// It would go beyond what is kept for others.
    case noRoom = 3
    /// Enough is being taken in at the moment.
    case busy = 4
    /// It was taken in hand, and could not be got.
    case failed = 5
}

/// A message between publisher and keeper: the payload of one extended message (BEP 10).
///
///     publisher ── offer ──▶ keeper ── accepted, progress…, stored │ refused ──▶ publisher
public enum PushMessage: Equatable, Sendable {
    case offer(PushOffer)
    case accepted
    case refused(PushRefusal)
    /// At work, with so many bytes of the release here.
    case progress(bytes: Int64)
    /// All of this release is held, served and announced.
    case stored(seq: Int64)
}

extension PushMessage {
    private enum Kind: Int64 {
        case offer = 1
        case accepted = 2
        case refused = 3
        case progress = 4
        case stored = 5
    }

    /// One canonical bencoded dictionary.
    public var encoded: [UInt8] {
        switch self {
        case .offer(let offer):
            Self.encode(.offer, ["n": .integer(offer.bytes), "q": .integer(offer.seq), "s": .bytes(offer.site.bytes)])
        case .accepted: Self.encode(.accepted, [:])
        case .refused(let refusal): Self.encode(.refused, ["c": .integer(Int64(refusal.rawValue))])
        case .progress(let bytes): Self.encode(.progress, ["n": .integer(bytes)])
        case .stored(let seq): Self.encode(.stored, ["q": .integer(seq)])
        }
    }

    private static func encode(_ kind: Kind, _ fields: [String: BencodeValue]) -> [UInt8] {
        var fields = fields
        fields["t"] = .integer(kind.rawValue)
        return BencodeValue.dictionary(fields).encoded
    }

    /// Reads a payload. Unknown fields are ignored; a known one of the wrong kind or range refuses the message.
    ///
    /// - Returns: nil for a type from a later version.
    public static func parse(_ payload: [UInt8]) throws(SiteMessageError) -> PushMessage? {
        let limits = Bencode.Limits(bytes: PushSpecification.messageBytes, depth: 4, values: 64)
        let node: BencodeNode
        do throws(BencodeError) {
            node = try Bencode.parse(payload, mode: .strict, limits: limits)
        } catch {
            throw .malformed(error)
        }
        let reader = SiteMessageReader(node: node)
        let size = 0...FeedSpecification.releaseBytes
        switch Kind(rawValue: try reader.integer("t", in: 0...Int64.max)) {
        case nil: return nil
        case .accepted: return .accepted
        case .refused:
            return .refused(PushRefusal(rawValue: Int(try reader.integer("c", in: 0...255))) ?? .failed)
        case .progress: return .progress(bytes: try reader.integer("n", in: size))
        case .stored: return .stored(seq: try reader.integer("q", in: 1...Int64.max))
        case .offer:
            let (site, seq) = (try reader.fixed("s") as Digest256, try reader.integer("q", in: 1...Int64.max))
            return .offer(PushOffer(site: site, seq: seq, bytes: try reader.integer("n", in: size)))
        }
    }
}
