// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Keys
internal import Wire

extension FuzzTarget {
    static let feeds: [FuzzTarget] = [
        FuzzTarget(
            "feed-entries",
            vectors: ["feeds"],
            samples: { sampleEntries.compactMap(\.encoded) },
            run: feedEntry
        ),
        FuzzTarget("feeds", maximumLength: 16_384, vectors: ["feeds"], samples: feedSamples, run: feed),
        FuzzTarget(
            "log-proofs",
            maximumLength: 512,
            vectors: ["merkle-log"],
            samples: { [[5, 2, 9, 1, 1], [1, 0, 1]] },
            run: proofs
        ),
        FuzzTarget("directory-nodes", maximumLength: 4096, samples: { directory.map(\.bytes) }, run: directoryNode),
        FuzzTarget("site-messages", maximumLength: 2048, samples: { siteMessages.map(\.encoded) }, run: siteMessage),
        FuzzTarget("site-exchange", samples: exchangeSamples, run: { try ExchangeTrial.run($0) }),
        FuzzTarget("push-messages", maximumLength: 512, samples: { pushMessages.map(\.encoded) }, run: pushMessage),
        FuzzTarget(
            "site-pointers",
            maximumLength: 1100,
            vectors: ["bep46"],
            samples: { [pointer.encoded] },
            run: sitePointer
        ),
    ]

    private static let release = Release(
        seq: 1,
        label: "1.0",
        v2: Hash.sha256([1]),
        v1: Hash.sha256([1]).truncated,
        directory: directory.last?.hash ?? .zero,
        pieceLength: 65_536,
        pieces: 3,
        files: 2,
        bytes: 100_000,
        time: 1_790_000_000
    )

    private static let sampleEntries: [FeedEntry] = [
        .root(
            RootRecord(next: Hash.sha256([2]), recovery: Hash.sha256([3]), writers: [signer.publicKey], signer: signer)
        ),
        .release(release), .withdraw(Withdrawal(seq: 1, reason: "a mistake", time: 5)), .admit(key: signer.publicKey),
        .remove(key: signer.publicKey, size: 4), .endorse([1, 2, 3]),
    ]

    /// A site with a release, signed.
    static let feed: SiteFeed? = {
        let root = RootRecord(next: Hash.sha256([2]), recovery: Hash.sha256([3]), signer: signer)
        guard let entry = FeedEntry.root(root).encoded, let second = FeedEntry.release(release).encoded,
            let log = try? SiteLog(site: signer.publicKey.identifier, entries: [entry, second]),
            let head = log.head(time: 1_790_000_001, signer: signer)
        else { return nil }
        return SiteFeed(log: log, head: head)
    }()

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

    @Sendable private static func feedEntry(_ bytes: [UInt8]) throws {
        guard let entry = try? FeedEntry.parse(bytes) else { return }
        if case .unknown = entry { return }
        guard let written = entry.encoded else { throw Broken(description: "an entry that was read can be written") }
        try hold((try? FeedEntry.parse(written)) == entry, "an entry survives being written")
        // And as the second entry of a log whose first is right.
        guard let first = feed?.log.entries.first,
            var log = try? SiteLog(site: signer.publicKey.identifier, rootEntry: first)
        else { return }
        if (try? log.append(bytes)) != nil { try hold(log.size == 2, "an entry that was taken is counted") }
    }

    private static func feedSamples() -> [[UInt8]] {
        guard let feed else { return [] }
        return [feed.encoded, feed.head.bytes, Array(feed.head.bytes.dropFirst(64))]
    }

    /// As a stored feed, as a head, and as a head's body under a right signature.
    @Sendable private static func feed(_ bytes: [UInt8]) throws {
        if let read = try? SiteFeed(encoded: bytes, site: signer.publicKey.identifier) {
            let again = try? SiteFeed(encoded: read.encoded, site: signer.publicKey.identifier)
            try hold(again?.encoded == read.encoded, "a feed survives being written")
        }
        for candidate in [bytes, signer.sign(Array("roost/head".utf8) + bytes).bytes + bytes] {
            guard let head = SignedHead(candidate) else { continue }
            try hold(head.bytes == candidate && head.size > 0, "a head keeps the bytes that were signed")
            guard var known = feed else { continue }
            let before = known.log.size
            _ = known.judge(head)
            try hold(known.log.size >= before, "no head makes a log shorter")
        }
    }

    /// RFC 9162 §2.1: what the tree proves is proven, and what was changed is not.
    @Sendable private static func proofs(_ bytes: [UInt8]) throws {
        var input = FuzzInput(bytes)
        let size = 1 + Int(input.byte()) % 40
        var (tree, frontier) = (MerkleTree(), MerkleFrontier())
        let leaves = (0..<size).map { LogHash.leaf([UInt8($0)]) }
        for leaf in leaves {
            tree.append(leaf: leaf)
            frontier.append(leaf: leaf)
        }
        try hold(tree.root == frontier.root, "a tree and its right edge have one root")
        let (index, old) = (Int(input.byte()) % size, 1 + Int(input.byte()) % size)
        guard var inclusion = tree.inclusionProof(of: index, in: size),
            var consistency = tree.consistencyProof(from: old, to: size),
            let oldRoot = tree.root(at: old)
        else { throw Broken(description: "a tree proves what it holds: \(index), \(old) of \(size)") }
        func included() -> Bool {
            MerkleProof.verifiesInclusion(of: leaves[index], at: index, size: size, root: tree.root, proof: inclusion)
        }
        func consistent() -> Bool {
            MerkleProof.verifiesConsistency(from: old, root: oldRoot, to: size, root: tree.root, proof: consistency)
        }
        try hold(included() && consistent(), "what a tree proves is proven: \(index), \(old) of \(size)")
        let count = inclusion.count + consistency.count
        change(&inclusion, &input)
        change(&consistency, &input)
        guard inclusion.count + consistency.count != count || input.byte() & 1 == 1 else { return }
        if inclusion != tree.inclusionProof(of: index, in: size) ?? [] {
            try hold(!included(), "a changed proof proves nothing")
        }
        if consistency != tree.consistencyProof(from: old, to: size) ?? [] {
            try hold(!consistent(), "a changed proof proves nothing")
        }
    }

    private static func change(_ proof: inout [Digest256], _ input: inout FuzzInput) {
        switch input.choice(4) {
        case 1 where !proof.isEmpty: proof.removeLast()
        case 2: proof.insert(Hash.sha256(input.take(2)), at: Int(input.byte()) % (proof.count + 1))
        case 3 where !proof.isEmpty: proof[Int(input.byte()) % proof.count] = Hash.sha256(input.take(2))
        default: break
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

    @Sendable private static func siteMessage(_ bytes: [UInt8]) throws {
        guard let message = try? SiteMessage.parse(bytes) else { return }
        try hold((try? SiteMessage.parse(message.encoded)) == message, "a message survives being written")
    }

    private static func exchangeSamples() -> [[UInt8]] {
        siteMessages.map { [1, 1] + FuzzInput.chunk($0.encoded) } + [[3, 0, 0, 4, 0, 4, 0, 2, 1, 0, 3, 2, 4, 0, 4, 0]]
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
