// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Keys
internal import Wire

extension FuzzTarget {
    static let feeds: [FuzzTarget] = [
        FuzzTarget(
            "feed-entries",
            maximumLength: 10_240,
            vectors: ["feeds"],
            samples: { (sampleEntries + KnownFeeds.strayChanges + longEntries).compactMap(\.encoded) },
            run: feedEntry
        ),
        FuzzTarget("feeds", maximumLength: 16_384, vectors: ["feeds"], samples: feedSamples, run: feed),
        FuzzTarget(
            "log-proofs",
            maximumLength: 512,
            vectors: ["merkle-log"],
            samples: ProofTrial.samples,
            run: { try ProofTrial.run($0) }
        ),
        FuzzTarget("directory-nodes", maximumLength: 4096, samples: { directory.map(\.bytes) }, run: directoryNode),
        FuzzTarget(
            "site-messages",
            maximumLength: 4096,
            samples: { (siteMessages + longMessages).map(\.encoded) },
            run: siteMessage
        ),
        FuzzTarget("site-exchange", samples: ExchangeTrial.samples, run: { try ExchangeTrial.run($0) }),
        FuzzTarget(
            "push-messages",
            maximumLength: 1100,
            samples: { pushMessages.map(\.encoded) + [[UInt8](repeating: 0, count: 1025)] },
            run: pushMessage
        ),
        FuzzTarget(
            "site-pointers",
            maximumLength: 1100,
            vectors: ["bep46"],
            samples: { [pointer.encoded] },
            run: sitePointer
        ),
    ]

    private static let sampleEntries: [FeedEntry] = [
        .root(KnownFeeds.root),
        .root(
            RootRecord(next: Hash.sha256([2]), recovery: Hash.sha256([3]), writers: [signer.publicKey], signer: signer)
        ),
        .release(KnownFeeds.release(1, "1.0")), .withdraw(Withdrawal(seq: 1, reason: "a mistake", time: 5)),
        .rotate(KnownFeeds.rotation), .recover(KnownFeeds.takeover), .admit(key: signer.publicKey),
        .remove(key: signer.publicKey, size: 4), .endorse([1, 2, 3]),
    ]

    /// Each by one beyond a bound.
    private static let longEntries: [FeedEntry] = {
        var release = KnownFeeds.release(1, "1.0")
        release.trackers = (0...FeedSpecification.sources).map { "http://tracker.example/\($0)" }
        release.webSeeds = ["http://seed.example/" + String(repeating: "a", count: FeedSpecification.sourceBytes)]
        let reason = String(repeating: "a", count: FeedSpecification.messageBytes + 1)
        let writers = (0...FeedSpecification.writers).compactMap {
            PublicKey(Hash.sha256([UInt8($0 >> 8), UInt8($0 & 255)]).bytes)
        }
        let root = RootRecord(next: .zero, recovery: .zero, writers: writers.sorted(), signer: signer)
        return [.release(release), .withdraw(Withdrawal(seq: 1, reason: reason, time: 5)), .root(root)]
    }()

    /// A site with a release, signed.
    static let feed: SiteFeed? = KnownFeeds.all.first

    /// The nodes of a small folder, the root last.
    static let directory: [(hash: Digest256, bytes: [UInt8])] = {
        var nodes: [(hash: Digest256, bytes: [UInt8])] = []
        var builder = DirectoryBuilder()
        let file = DirectoryFile(length: 5, root: Hash.sha256([9]), firstPiece: 0)
        for path in [["a", "b.html"], ["a", "c"], ["index.html"]] {
            try? builder.add(file, at: path) { nodes.append(($0, $1)) }
        }
        _ = try? builder.finish { nodes.append(($0, $1)) }
        return nodes
    }()

    private static var pointer: SitePointer {
        SitePointer(infohash: torrentHash, infohashV2: Hash.sha256([1]), head: Hash.sha256([2]))
    }

    /// As it comes, and signed as its signer would have.
    @Sendable private static func feedEntry(_ bytes: [UInt8]) throws {
        guard let entry = try? FeedEntry.parse(bytes) else { return }
        if case .unknown = entry { return }
        guard let written = entry.encoded else { throw Broken(description: "an entry that was read can be written") }
        try hold((try? FeedEntry.parse(written)) == entry, "an entry survives being written")
        _ = try log(with: bytes)
        let signed = KnownFeeds.signedAgain(entry)
        guard let state = try signed.encoded.flatMap(log(with:))?.state else { return }
        switch signed {
        case .root(let root):
            guard KnownKeys.signer(for: root.key) != nil, let encoded = signed.encoded else { return }
            let begun = try? SiteLog(site: root.key.identifier, rootEntry: encoded)
            try hold(begun?.state.writers == root.writers, "a root record that its key signed begins a log")
        case .rotate(let rotation):
            let counts = rotation.key == KnownFeeds.next.publicKey && rotation.position == KnownFeeds.position
            try hold(state.epoch.rotations == (counts ? 1 : 0), "the committed key takes over, at its place alone")
            try hold(!counts || state.next == rotation.next, "who takes over says who comes next")
        case .recover(let recovery):
            let counts = recovery.revealed == KnownFeeds.recovery.publicKey && recovery.position == KnownFeeds.position
            try hold(state.epoch.recoveries == (counts ? 1 : 0), "the committed key recovers, at its place alone")
            try hold(!counts || state.writer == recovery.key, "who recovers says who writes")
        default: break
        }
    }

    /// The entry as the second of a log whose first is right.
    private static func log(with entry: [UInt8]) throws -> SiteLog? {
        guard let first = feed?.log.entries.first, var log = try? SiteLog(site: KnownFeeds.site, rootEntry: first),
            (try? log.append(entry)) != nil
        else { return nil }
        try hold(log.size == 2, "an entry that was taken is counted")
        return log
    }

    private static func feedSamples() -> [[UInt8]] {
        guard let feed else { return [] }
        let merged = KnownFeeds.all.dropFirst().map { other in
            var feed = feed
            feed.merge(other)
            return feed.encoded
        }
        let heads = KnownFeeds.all.map(\.head.bytes)
        return KnownFeeds.all.map(\.encoded) + merged + heads + heads.map { Array($0.dropFirst(64)) }
    }

    /// As a stored feed and as a head, as they come and with right signatures.
    @Sendable private static func feed(_ bytes: [UInt8]) throws {
        for read in storedFeeds(bytes) {
            let again = try? SiteFeed(encoded: read.encoded, site: KnownFeeds.site)
            try hold(again?.encoded == read.encoded, "a feed survives being written")
            guard var known = feed else { continue }
            let before = known
            known.merge(read)
            try hold(known.log.matches(known.head), "a head is of its log")
            try hold(known.branches.count <= SiteFeed.maximumBranches, "branches are bounded")
            try hold(
                known.head.epoch > before.head.epoch || known.log.entries.starts(with: before.log.entries),
                "only a key change takes back what was followed"
            )
        }
        for candidate in [bytes, KnownFeeds.head(bytes)] {
            guard let head = SignedHead(candidate) else { continue }
            try hold(head.bytes == candidate && head.size > 0, "a head keeps the bytes that were signed")
            guard var known = feed else { continue }
            let before = known.log.size
            _ = known.judge(head)
            try hold(known.log.size >= before, "no head makes a log shorter")
        }
    }

    /// Those that the input gives.
    static func storedFeeds(_ bytes: [UInt8]) -> [SiteFeed] {
        [bytes, KnownFeeds.signedAgain(feed: bytes)].compactMap { candidate in
            candidate.flatMap { try? SiteFeed(encoded: $0, site: KnownFeeds.site) }
        }
    }

    @Sendable private static func directoryNode(_ bytes: [UInt8]) throws {
        let hash = Hash.sha256(bytes)
        guard let node = try? DirectoryNode.parse(bytes, hash: hash) else { return }
        var lookup = DirectoryLookup(folder: hash, path: ["a"])
        try? lookup.receive(bytes)
        var walk = DirectoryWalk(folder: hash, isRecursive: true)
        let items = try? walk.receive(bytes)
        switch node {
        case .leaf(let entries):
            try hold(items == nil || items?.count == entries.count, "a walk gives every entry of a leaf")
            let isThere = entries.contains { $0.name.utf8.elementsEqual("a".utf8) }
            switch lookup.step {
            case .found: try hold(isThere, "what is found is there")
            case .absent: try hold(!isThere, "what is absent is not there")
            default: break
            }
        case .index(let children):
            for child in children {
                try hold(!child.firstName.isEmpty && !child.firstName.contains("/"), "a name is one component")
            }
        }
    }

    static let siteMessages: [SiteMessage] = [
        .request(id: 1, .key), .request(id: 2, .head), .request(id: 3, .entries(from: 1, offset: 9)),
        .request(id: 4, .node(directory.last?.hash ?? .zero, offset: 0)),
        .request(id: 5, .path(node: directory.last?.hash ?? .zero, path: ["a", "c"])),
        .request(id: 6, .consistency(old: 1, new: 2)), .request(id: 7, .inclusion(index: 1, size: 2)),
        .answer(id: 1, .key(signer.publicKey)), .answer(id: 2, .head(feed?.head.bytes ?? [], holds: [1, 2])),
        .answer(id: 3, .entries(from: 0, offset: 0, [0, 0, 0, 1, 9])),
        .answer(id: 4, .node(.zero, total: 9, offset: 1, [1, 2])), .answer(id: 5, .nodes(directory.map(\.bytes))),
        .answer(id: 6, .proof([.zero, .zero])), .refuse(id: 7, .denied), .news(head: feed?.head.bytes ?? []),
    ]

    /// Each by one beyond a bound.
    private static let longMessages: [SiteMessage] = [
        .answer(id: 6, .proof([Digest256](repeating: .zero, count: SiteExchangeSpecification.proofDigests + 1))),
        .answer(id: 2, .head([1], holds: (0...Int64(SiteExchangeSpecification.heldReleases)).map { $0 + 1 })),
        .request(id: 5, .path(node: .zero, path: [String](repeating: "a", count: 65))),
        .request(id: 8, .front(path: [String](repeating: "a", count: 5) + [String(repeating: "b", count: 1024)])),
    ]

    @Sendable private static func siteMessage(_ bytes: [UInt8]) throws {
        guard let message = try? SiteMessage.parse(bytes) else { return }
        try hold((try? SiteMessage.parse(message.encoded)) == message, "a message survives being written")
    }

    private static let pushMessages: [PushMessage] = [
        .offer(PushOffer(site: signer.publicKey.identifier, seq: 3, bytes: 100_000)), .accepted, .refused(.noRoom),
        .progress(bytes: 5), .stored(seq: 3),
    ]

    /// And what a keeper with little room makes of an offer.
    @Sendable private static func pushMessage(_ bytes: [UInt8]) throws {
        guard let message = try? PushMessage.parse(bytes) else { return }
        try hold((try? PushMessage.parse(message.encoded)) == message, "a message survives being written")
        guard case .offer(let offer) = message else { return }
        var rules = KeeperRules()
        let quota: Int64 = 1 << 20
        for number: UInt32 in 0..<8 where rules.refusal(of: offer, from: .v4(number), used: 1000, quota: quota) == nil {
            try hold(
                offer.bytes <= quota / KeeperRules.shareOfQuota && number == 0,
                "a push is small, and one of its site"
            )
        }
    }

    /// BEP 46
    @Sendable private static func sitePointer(_ bytes: [UInt8]) throws {
        guard let pointer = try? SitePointer(value: bytes) else { return }
        try hold((try? SitePointer(value: pointer.encoded)) == pointer, "a pointer survives being written")
    }
}
