// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// What a reader asks with its extension handshake, before the peer has said its number for `rs_site`, so that a first visit
/// takes one round trip (`docs/protocols/site-exchange.md` §1).
struct SiteOpening {
    /// The entries that were asked for and have not come; nil once they have, or where none were asked for.
    private(set) var entries: SiteQuery?
    /// What went, for a peer that did not read it there.
    fileprivate(set) var payloads: [[UInt8]] = []
    fileprivate var asksFront = false
    /// Nodes that came before the feed that says whether they are right.
    fileprivate var front: (nodes: [[UInt8]], path: [String])?
    /// Commands that ask for what is under way already.
    fileprivate(set) var waiting: [OpenCommand] = []

    fileprivate mutating func ask(_ query: SiteQuery) { entries = query }

    mutating func answered(_ query: SiteQuery) { if entries == query { entries = nil } }
}

extension SiteCommand {
    /// The directory node that it asks for, or from.
    fileprivate var node: Digest256? {
        switch self {
        case .path(let node, _): node
        case .node(let node): node
        default: nil
        }
    }

    /// What the nodes of a front answer it with; nil where they do not.
    fileprivate func answer(in nodes: [[UInt8]]) -> SiteResult? {
        let result: SiteResult
        switch self {
        case .path(let node, let path): result = OpenCommand.check(nodes, from: node, along: path)
        case .node(let node): result = OpenCommand.check(Array(nodes.prefix(1)), from: node, along: [])
        default: return nil
        }
        return result == .wrongAnswer ? nil : result
    }
}

extension SiteExchangeSession {
    /// The questions of a reader who dials, as payloads for the extension handshake: what the peer follows and, at the first
    /// visit, its key, its entries and the directory of the newest release along `path`.
    ///
    /// To be called before anything else, once, and followed by ``opened(reads:now:)``.
    public mutating func open(path: [String], now: Instant) -> [[UInt8]] {
        guard isOpen, sync == nil else { return [] }
        let isFirstVisit = feed == nil
        var actions = synchronise(now: now)
        if isFirstVisit {
            let entries = EntryStream(from: 0).query
            actions.append(request(entries, for: .sync(entries), now: now))
            opening.ask(entries)
            actions.append(request(.front(path: path), for: .front(path: path), now: now))
            opening.asksFront = true
        }
        opening.payloads = actions.compactMap { if case .send(let payload) = $0 { payload } else { nil } }
        return opening.payloads
    }

    /// The peer's extension handshake has come; what went with ours is sent again where it `reads` nothing there.
    public mutating func opened(reads: Bool, now: Instant) -> [Action] {
        let payloads = opening.payloads
        opening.payloads = []
        return (reads ? [] : payloads.map { .send($0) }) + tick(now: now)
    }

    /// Whether the command's answer is under way: it went with the handshake.
    mutating func wait(for command: OpenCommand) -> Bool {
        guard opening.asksFront, let node = command.command.node, node == feed?.state.newest?.release.directory,
            opening.waiting.count < SiteExchangeSpecification.openRequests
        else { return false }
        opening.waiting.append(command)
        return true
    }

    /// `nodes`: none where the peer has them not.
    mutating func frontCame(_ nodes: [[UInt8]], _ path: [String], now: Instant) -> [Action] {
        opening.asksFront = false
        opening.front = (nodes, path)
        let waiting = opening.waiting
        opening.waiting = []
        var actions = sync == nil ? useFront() : []
        for command in waiting {
            let result = command.command.answer(in: nodes)
            actions +=
                result.map { [.deliver(command: command.id, $0)] } ?? ask(command.command, id: command.id, now: now)
        }
        return actions
    }

    /// Nodes of another release than the one that was adopted are no offence: a newer one may have come meanwhile.
    mutating func useFront() -> [Action] {
        guard let front = opening.front, let root = feed?.state.newest?.release.directory else { return [] }
        opening.front = nil
        guard case .nodes(let nodes) = OpenCommand.check(front.nodes, from: root, along: front.path) else { return [] }
        return [.directory(nodes)]
    }
}
