// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Keys
internal import Wire

/// A site exchange session and what an input says the other side sends: anything, or true answers with changes.
///
/// Whatever comes, a session adopts nothing but a feed of its site, takes no other directory than its newest release's, and every
/// command ends once.
struct ExchangeTrial: ~Copyable {
    private var session: SiteExchangeSession
    private let site: Digest256
    /// A clock of its own: an input does the same on every machine.
    private var now = ContinuousClock().systemEpoch
    /// What the other side follows.
    private let peer: SiteFeed
    /// What the driver keeps.
    private var kept: SiteFeed?
    private var requests: [(id: UInt32, query: SiteQuery)] = []
    private var waiting = Set<UInt64>()
    private var nextCommand: UInt64 = 1
    private var isOpen = true
    private var outcome = Outcome()

    /// What has come about, for tests of how far an input reaches.
    struct Outcome {
        var directories = 0
        var adoptions = 0
        var forks = 0
        var deliveries: [SiteResult] = []
    }

    /// Bits of the choice: 1 for a feed known before, 3 for what the other side follows, 1 for questions that go with the
    /// handshake (``dial(_:)``), of which 1 for a peer that does not read them there and 1 for the path.
    private init?(_ choice: UInt8) {
        guard !KnownFeeds.all.isEmpty else { return nil }
        site = KnownFeeds.site
        peer = KnownFeeds.all[Int(choice >> 1 & 7) % KnownFeeds.all.count]
        kept = choice & 1 == 0 ? nil : KnownFeeds.all.first
        session = SiteExchangeSession(site: site, feed: kept, now: now)
        session.holds = [1]
    }

    static func run(_ bytes: [UInt8]) throws { _ = try outcome(of: bytes) }

    static func outcome(of bytes: [UInt8]) throws -> Outcome {
        var input = FuzzInput(bytes)
        let choice = input.byte()
        guard var trial = ExchangeTrial(choice) else { return Outcome() }
        if choice & 16 != 0 { try trial.dial(choice) }
        for _ in 0..<48 where !input.isAtEnd { try trial.step(&input) }
        let last = trial.session.close()
        try trial.take(last)
        try hold(trial.waiting.isEmpty, "every command ends")
        return trial.outcome
    }

    /// As who dials does (`docs/protocols/site-exchange.md` §1): asks with its handshake, and hears that of the other side later.
    private mutating func dial(_ choice: UInt8) throws {
        let early = session.open(path: choice & 64 == 0 ? ["a", "c"] : ["index.html"], now: now)
        let reads = choice & 32 == 0
        if reads { try take(early.map { .send($0) }) }
        now += .milliseconds(200)
        try take(session.opened(reads: reads, now: now))
    }

    private mutating func step(_ input: inout FuzzInput) throws {
        switch input.choice(8) {
        case 0: try take(session.synchronise(now: now))
        case 1: try take(session.receive(input.chunk(), now: now))
        case 2: try ask(&input)
        case 3, 4: try answer(&input)
        case 6:
            keep(KnownFeeds.all[input.choice(KnownFeeds.all.count)])
            if let kept { try take(session.feedChanged(kept, now: now)) }
        case 7: session.notKept(driverHas: kept)
        default:
            now += .milliseconds(Int(input.short()) * 2)
            try take(session.tick(now: now))
        }
    }

    private mutating func keep(_ feed: SiteFeed) {
        if kept == nil { kept = feed } else { kept?.merge(feed) }
    }

    private mutating func ask(_ input: inout FuzzInput) throws {
        let root = FuzzTarget.directory.last?.hash ?? .zero
        let commands: [SiteCommand] = [
            .node(root), .path(node: root, path: ["a", "c"]), .consistency(old: 1, new: 2),
            .inclusion(index: 0, size: 2),
        ]
        waiting.insert(nextCommand)
        let actions = session.ask(commands[input.choice(commands.count)], id: nextCommand, now: now)
        nextCommand += 1
        try take(actions)
    }

    /// The true answer to something that was asked, with bytes of it changed where the input says so.
    private mutating func answer(_ input: inout FuzzInput) throws {
        let place = Int(input.byte())
        guard !requests.isEmpty else { return }
        let (id, query) = requests.remove(at: place % requests.count)
        var bytes = SiteMessage.answer(id: id, Self.truth(query, peer)).encoded
        for _ in 0..<input.choice(3) { bytes[Int(input.short()) % bytes.count] = input.byte() }
        try take(session.receive(bytes, now: now))
    }

    private static func truth(_ query: SiteQuery, _ feed: SiteFeed) -> SiteAnswer {
        switch query {
        case .key: return .key(FuzzTarget.signer.publicKey)
        case .head: return .head(feed.head.bytes, holds: [1])
        case .entries(let from, let offset):
            var stream: [UInt8] = []
            for entry in feed.log.entries.dropFirst(from) {
                stream.append(bigEndian: UInt32(entry.count))
                stream += entry
            }
            return .entries(from: from, offset: offset, Array(stream.dropFirst(offset).prefix(15_000)))
        case .node(let hash, let offset):
            let bytes = FuzzTarget.directory.first { $0.hash == hash }?.bytes ?? [0]
            return .node(hash, total: bytes.count, offset: offset, Array(bytes.dropFirst(offset)))
        case .path(let node, let path): return .nodes(nodes(along: path, from: node))
        case .front(let path): return .nodes(nodes(along: path, from: FuzzTarget.directory.last?.hash ?? .zero))
        case .consistency(let old, let new): return .proof(feed.log.tree.consistencyProof(from: old, to: new) ?? [])
        case .inclusion(let index, let size): return .proof(feed.log.tree.inclusionProof(of: index, in: size) ?? [])
        }
    }

    private static func nodes(along path: [String], from root: Digest256) -> [[UInt8]] {
        var lookup = DirectoryLookup(folder: root, path: path)
        var nodes: [[UInt8]] = []
        while case .needs(let hash) = lookup.step,
            let bytes = FuzzTarget.directory.first(where: { $0.hash == hash })?.bytes,
            (try? lookup.receive(bytes)) != nil
        {
            nodes.append(bytes)
        }
        return nodes
    }

    private mutating func take(_ actions: [SiteExchangeAction]) throws {
        for action in actions {
            switch action {
            case .send(let payload):
                guard let message = try? SiteMessage.parse(payload) else {
                    throw Broken(description: "a session sends what a session reads: \(payload)")
                }
                if case .request(let id, let query) = message { requests.append((id, query)) }
            case .read(let token, let hash):
                let bytes = FuzzTarget.directory.first { $0.hash == hash }?.bytes
                try take(session.supply(token, node: bytes, now: now))
            case .adopted(let feed), .fork(let feed):
                try hold(feed.site == site && feed.log.matches(feed.head), "what is adopted is the site's")
                if case .fork = action { outcome.forks += 1 } else { outcome.adoptions += 1 }
                keep(feed)
            case .directory(let nodes):
                try hold(nodes.first?.hash == FuzzTarget.directory.last?.hash, "a directory is the newest release's")
                try hold(nodes.allSatisfy { Hash.sha256($0.bytes) == $0.hash }, "a node is the one that was named")
                outcome.directories += 1
            case .deliver(let command, let result):
                try hold(waiting.remove(command) != nil, "a command ends once")
                outcome.deliveries.append(result)
            case .close:
                try hold(isOpen, "a session closes once")
                isOpen = false
            default: break
            }
        }
    }

    // MARK: Samples

    static func samples() -> [[UInt8]] {
        // A step of three zeros behind a 3 is a true answer to the first question that is open.
        let answer: [UInt8] = [3, 0, 0]
        let first: [UInt8] = answer + answer + answer
        let known: [[UInt8]] = [0, 2, 4, 6, 8].map { [1 + $0, 0] + first + [0] + first }
        return FuzzTarget.siteMessages.map { [1, 1] + FuzzInput.chunk($0.encoded) }
            + [[3, 0, 0, 4, 0, 4, 0, 2, 1, 0, 3, 2, 4, 0, 4, 0]] + known + [
                // A first visit that asks with its handshake; then the front before the feed, of both kinds of peer.
                [16] + first + answer, [16 + 64, 3, 3, 0] + first, [16 + 32, 3, 3, 0] + first,
                // A command for what is under way, and answers that are not to be had.
                [16] + first + [2, 1] + answer, [16 + 8, 3, 3, 0] + first, [16 + 1] + first,
                [1, 6, 1, 0] + answer + [7, 0] + first, [16] + first + [2, 0, 2, 1, 3, 0, 1, 0, 9, 0],
            ]
    }
}
