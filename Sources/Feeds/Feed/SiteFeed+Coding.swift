// SPDX-License-Identifier: Apache-2.0
public import Wire

extension SiteFeed {
    /// The form in which a feed is kept on disk: deterministic CBOR, `docs/protocols/feeds.md` §7.
    public var encoded: [UInt8] {
        SignedStatement.encode([
            ("branches", .array(branches.map(\.value))), ("entries", .array(log.entries.map { .bytes($0) })),
            ("head", .bytes(head.bytes)), ("version", 1),
        ])
    }

    /// Reads ``encoded`` again, checking every signature and root anew: the disk is not trusted either.
    public init(encoded bytes: [UInt8], site: Digest256) throws(FeedError) {
        let value: CBOR
        let limit = FeedSpecification.logBytes + 16 << 20
        do throws(CBORError) {
            value = try CBOR.decode(
                bytes,
                limits: CBOR.Limits(bytes: limit, depth: 4, values: FeedSpecification.entries * 2)
            )
        } catch {
            throw .malformed(error)
        }
        guard value["version"]?.unsigned == 1 else { throw .invalid(field: "version") }
        guard let headBytes = value["head"]?.bytes, let head = SignedHead(headBytes) else {
            throw .invalid(field: "head")
        }
        guard let list = value["branches"]?.array else { throw .missing(field: "branches") }
        var branches: [FeedBranch] = []
        for element in list {
            guard let branch = FeedBranch(element) else { throw .invalid(field: "branches") }
            branches.append(branch)
        }
        let log = try SiteLog(site: site, entries: try Self.entries(value["entries"]))
        guard let feed = SiteFeed(log: log, head: head, branches: branches) else { throw .invalid(field: "head") }
        self = feed
    }

    fileprivate static func entries(_ value: CBOR?) throws(FeedError) -> [[UInt8]] {
        guard let list = value?.array else { throw .missing(field: "entries") }
        let entries = list.compactMap(\.bytes)
        guard entries.count == list.count else { throw .invalid(field: "entries") }
        return entries
    }
}

extension FeedBranch {
    fileprivate var value: CBOR {
        [
            "entries": .array(entries.map { .bytes($0) }), "head": .bytes(head.bytes), "kind": .text(kind.rawValue),
            "start": .integer(Int64(start)),
        ]
    }

    fileprivate init?(_ value: CBOR) {
        guard let kind = value["kind"]?.text.flatMap(Kind.init(rawValue:)), let bytes = value["head"]?.bytes,
            let head = SignedHead(bytes), let start = value["start"]?.integer,
            (0..<Int64(FeedSpecification.entries)).contains(start),
            let entries = try? SiteFeed.entries(value["entries"])
        else { return nil }
        self.init(kind: kind, head: head, start: Int(start), entries: entries)
    }
}
