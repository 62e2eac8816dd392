// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Keys
internal import Wire

/// A site exchange session and what an input says the other side sends: anything, or true answers with changes.
///
/// Whatever comes, a session adopts nothing but a feed of its site, and every command ends once.
struct ExchangeTrial: ~Copyable {
    private var session: SiteExchangeSession
    private let site: Digest256
    private var now = ContinuousClock.now
    private var requests: [(id: UInt32, query: SiteQuery)] = []
    private var waiting = Set<UInt64>()
    private var nextCommand: UInt64 = 1
    private var isOpen = true

    private init(_ choice: UInt8) {
        site = FuzzTarget.signer.publicKey.identifier
        session = SiteExchangeSession(site: site, feed: choice & 1 == 0 ? nil : FuzzTarget.feed, now: now)
        session.holds = [1]
    }

    static func run(_ bytes: [UInt8]) throws {
        var input = FuzzInput(bytes)
        var trial = ExchangeTrial(input.byte())
        for _ in 0..<48 where !input.isAtEnd { try trial.step(&input) }
        let last = trial.session.close()
        try trial.take(last)
        try hold(trial.waiting.isEmpty, "every command ends")
    }

    private mutating func step(_ input: inout FuzzInput) throws {
        switch input.choice(6) {
        case 0: try take(session.synchronise(now: now))
        case 1: try take(session.receive(input.chunk(), now: now))
        case 2: try ask(&input)
        case 3, 4: try answer(&input)
        default:
            now += .milliseconds(Int(input.short()) * 2)
            try take(session.tick(now: now))
        }
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
        guard !requests.isEmpty, let feed = FuzzTarget.feed else { return }
        let (id, query) = requests.remove(at: place % requests.count)
        var bytes = SiteMessage.answer(id: id, Self.truth(query, feed)).encoded
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
        case .path, .front: return .nodes(FuzzTarget.directory.map(\.bytes).reversed())
        case .consistency(let old, let new): return .proof(feed.log.tree.consistencyProof(from: old, to: new) ?? [])
        case .inclusion(let index, let size): return .proof(feed.log.tree.inclusionProof(of: index, in: size) ?? [])
        }
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
            case .adopted(let feed):
                try hold(feed.site == site && feed.log.matches(feed.head), "what is adopted is the site's")
            case .directory: break
            case .deliver(let command, _): try hold(waiting.remove(command) != nil, "a command ends once")
            case .close:
                try hold(isOpen, "a session closes once")
                isOpen = false
            default: break
            }
        }
    }
}
