// SPDX-License-Identifier: Apache-2.0
public import Keys
public import Wire

/// One connection on which two peers speak about one site and nothing else (`docs/protocols/site-exchange.md`).
///
/// Both sides are alike: each may ask, and answers what it is asked from its own knowledge. It begins when both
/// extension handshakes have been seen, and the driver frames the payloads.
///
///     open ──close(reason)──▶ closed     (idle 30 s · unanswered 15 s · malformed · flooding · a proven lie)
///
/// Memory: 17 answers of 16 KiB, 16 open and 256 waiting commands, and the feed, whose storage is shared with the
/// driver's. At most 20 actions an input, and one `deliver` for each command when it closes.
public struct SiteExchangeSession: ~Copyable {
    /// What the driver is told to do.
    public typealias Action = SiteExchangeAction
    /// Only differences count, so any clock that does not jump will do.
    public typealias Instant = ContinuousClock.Instant

    enum Purpose {
        case sync(SiteQuery)
        case command(OpenCommand)
        /// What was asked with the handshake of the newest release's directory.
        case front(path: [String])
    }

    /// The one site that is spoken about.
    public let site: Digest256
    /// Releases whose files this peer has completely; told with the head.
    public var holds: [Int64] = []
    /// The site's key, where it is known without a feed: from an address or from a peer.
    public var siteKey: PublicKey?
    var feed: SiteFeed?
    var sync: FeedSync?
    private var peerHead: SignedHead?
    var requests: [UInt32: Purpose] = [:]
    private(set) var waiting: [OpenCommand] = []
    var opening = SiteOpening()
    private(set) var serving = SiteServing()
    private var budget: RequestBudget
    private var nextID: UInt32 = 0
    private var lastMessage: Instant
    /// Since when the oldest open request has been without any message from the peer.
    private var silentSince: Instant
    /// The peer is busy: what waits is asked from then on.
    private var pausedUntil: Instant?
    var isOpen = true

    /// - Parameters:
    ///   - site: SHA-256 of the site key, whose first 20 bytes stood where the infohash stands.
    ///   - feed: what is known so far; nil at the first visit, or while only the key is known.
    ///   - now: when the peer's extension handshake came.
    public init(site: Digest256, feed: SiteFeed?, now: Instant) {
        self.site = site
        self.feed = feed
        budget = RequestBudget(now: now)
        lastMessage = now
        silentSince = now
    }

    /// Asks what the peer follows, and takes over what is newer. Also to be called again now and then.
    public mutating func synchronise(now: Instant) -> [Action] {
        guard isOpen, sync == nil else { return [] }
        var sync = FeedSync(site: site, known: feed)
        let outputs = sync.start()
        self.sync = sync
        return perform(outputs, now: now) + [wake()]
    }

    /// Asks for something; the answer is delivered under `id`, whatever happens.
    public mutating func ask(_ command: SiteCommand, id: UInt64, now: Instant) -> [Action] {
        guard isOpen, waiting.count < SiteExchangeSpecification.waitingCommands else {
            return [.deliver(command: id, .notAsked)]
        }
        if wait(for: OpenCommand(id: id, command: command)) { return [] }
        waiting.append(OpenCommand(id: id, command: command))
        return sendWaiting(now: now) + [wake()]
    }

    /// Another way brought news: the feed as the driver has it now. Tells the peer, if it follows an earlier state.
    public mutating func feedChanged(_ feed: SiteFeed, now: Instant) -> [Action] {
        guard isOpen, feed.site == site else { return [] }
        self.feed = feed
        return tellPeer(now: now)
    }

    /// What was adopted could not be kept. The session follows again what the driver has, nil for nothing, and adopts the
    /// rest anew when it synchronises next.
    public mutating func notKept(driverHas feed: SiteFeed?) { self.feed = feed }

    /// The driver's answer to ``SiteExchangeAction/read(token:node:)``; nil when it has no such node to serve.
    public mutating func supply(_ token: UInt32, node bytes: [UInt8]?, now: Instant) -> [Action] {
        guard isOpen, let output = serving.supply(token, node: bytes) else { return [] }
        return [perform(output, now: now)]
    }

    /// The payload of an extended message for `rs_site`.
    public mutating func receive(_ payload: [UInt8], now: Instant) -> [Action] {
        guard isOpen else { return [] }
        lastMessage = now
        silentSince = now
        let actions: [Action]
        do throws(SiteMessageError) {
            actions = receive(try SiteMessage.parse(payload), now: now)
        } catch .unknownType(let id) {
            actions = id.map { [send(.refuse(id: $0, .notUnderstood), now: now)] } ?? []
        } catch {
            return close(.malformed(error))
        }
        return isOpen ? actions + [wake()] : actions
    }

    /// Time has come to look at the clocks.
    public mutating func tick(now: Instant) -> [Action] {
        guard isOpen else { return [] }
        if !requests.isEmpty, now - silentSince >= SiteExchangeSpecification.answerTimeout {
            return close(.unresponsive)
        }
        if now - lastMessage >= SiteExchangeSpecification.idleTimeout { return close(.idle) }
        return sendWaiting(now: now) + [wake()]
    }

    /// The connection is gone, or the driver wants it gone.
    public mutating func close() -> [Action] { isOpen ? close(.closed) : [] }
}

extension SiteExchangeSession {
    private func wake() -> Action {
        var time = lastMessage + SiteExchangeSpecification.idleTimeout
        if !requests.isEmpty { time = min(time, silentSince + SiteExchangeSpecification.answerTimeout) }
        if let pausedUntil, !waiting.isEmpty { time = min(time, pausedUntil) }
        return .wake(at: time)
    }

    private mutating func close(_ reason: SiteCloseReason) -> [Action] {
        isOpen = false
        var actions: [Action] = []
        // In the order of asking: what drivers see must not depend on the order of a hash table.
        for (_, purpose) in requests.sorted(by: { $0.key < $1.key }) {
            if case .command(let open) = purpose { actions.append(.deliver(command: open.id, .notAsked)) }
        }
        for open in waiting + opening.waiting { actions.append(.deliver(command: open.id, .notAsked)) }
        requests = [:]
        waiting = []
        opening = SiteOpening()
        sync = nil
        return actions + [.close(reason)]
    }

    private mutating func send(_ message: SiteMessage, now: Instant) -> Action {
        lastMessage = now
        return .send(message.encoded)
    }

    mutating func request(_ query: SiteQuery, for purpose: Purpose, now: Instant) -> Action {
        if requests.isEmpty { silentSince = now }
        nextID &+= 1
        requests[nextID] = purpose
        return send(.request(id: nextID, query), now: now)
    }

    mutating func sendWaiting(now: Instant) -> [Action] {
        if let pausedUntil, now < pausedUntil { return [] }
        pausedUntil = nil
        var actions: [Action] = []
        while !waiting.isEmpty, requests.count < SiteExchangeSpecification.openRequests {
            let open = waiting.removeFirst()
            actions.append(request(open.query, for: .command(open), now: now))
        }
        return actions
    }

    private mutating func receive(_ message: SiteMessage, now: Instant) -> [Action] {
        switch message {
        case .request(let id, let query): return serve(query, id: id, now: now)
        case .answer(let id, let answer):
            guard let purpose = requests.removeValue(forKey: id) else { return close(.unexpectedAnswer) }
            let actions = take(answer, for: purpose, now: now)
            return isOpen ? actions + sendWaiting(now: now) : actions
        case .refuse(let id, let refusal):
            guard let purpose = requests.removeValue(forKey: id) else { return close(.unexpectedAnswer) }
            return refused(purpose, refusal, now: now) + sendWaiting(now: now)
        case .news(let head):
            guard sync == nil else { return [] }
            var sync = FeedSync(site: site, known: feed)
            let outputs = sync.start(with: head)
            self.sync = sync
            return perform(outputs, now: now)
        }
    }
}

/// Asking.
extension SiteExchangeSession {
    private mutating func take(_ answer: SiteAnswer, for purpose: Purpose, now: Instant) -> [Action] {
        switch purpose {
        case .front(let path):
            guard case .nodes(let nodes) = answer else { return close(.lied) }
            return frontCame(nodes, path, now: now)
        case .sync(let query):
            opening.answered(query)
            guard let outputs = sync?.receive(answer) else { return [] }
            return perform(outputs, now: now)
        case .command(var open):
            switch open.receive(answer) {
            case .ask(let query): return [request(query, for: .command(open), now: now)]
            case .result(.wrongAnswer): return [.deliver(command: open.id, .wrongAnswer)] + close(.lied)
            case .result(let result): return [.deliver(command: open.id, result)]
            }
        }
    }

    private mutating func refused(_ purpose: Purpose, _ refusal: SiteRefusal, now: Instant) -> [Action] {
        switch purpose {
        case .front(let path): return frontCame([], path, now: now)
        case .sync(let query):
            opening.answered(query)
            guard let outputs = sync?.refused(query) else { return [] }
            return perform(outputs, now: now)
        case .command(var open):
            if refusal == .busy, open.refusals < SiteExchangeSpecification.busyRetries {
                open.refusals += 1
                waiting.insert(open, at: 0)
                pausedUntil = now + SiteExchangeSpecification.busyPause
                return []
            }
            // A node beyond one message comes in parts.
            if refusal == .tooLarge, case .path(let node, _) = open.command {
                let whole = OpenCommand(id: open.id, command: .node(node))
                return [request(whole.command.query, for: .command(whole), now: now)]
            }
            return [.deliver(command: open.id, .refused(refusal))]
        }
    }

    private mutating func perform(_ outputs: [FeedSync.Output], now: Instant) -> [Action] {
        var actions: [Action] = []
        for output in outputs where isOpen {
            switch output {
            case .ask(let query):
                // It went with the handshake.
                if opening.entries != query { actions.append(request(query, for: .sync(query), now: now)) }
            case .key(let key):
                siteKey = key
                actions.append(.siteKey(key))
            case .head(let head, let holds):
                peerHead = head
                actions.append(.peerHead(head, holds: holds))
            case .evidence(let feed):
                learn(feed)
                actions.append(.fork(feed))
            case .done(let outcome): actions += conclude(outcome, now: now)
            }
        }
        return actions
    }

    private mutating func conclude(_ outcome: FeedSyncOutcome, now: Instant) -> [Action] {
        sync = nil
        switch outcome {
        case .adopted(let feed):
            learn(feed)
            return [.adopted(feed)] + useFront() + [.synced(nil)]
        case .fork(let feed):
            learn(feed)
            return [.fork(feed), .synced(nil)]
        case .same: return [.synced(nil)]
        case .peerIsBehind: return [.synced(nil)] + tellPeer(now: now)
        case .failed(let failure):
            switch failure {
            case .notHeld: return [.synced(failure)] + tellPeer(now: now)
            case .quarantined: return [.synced(failure)]
            case .wrongKey, .forgedHead, .wrongEntries: return [.synced(failure)] + close(.lied)
            }
        }
    }

    /// Meanwhile the driver may have brought something newer still.
    private mutating func learn(_ other: SiteFeed) {
        guard feed != nil else {
            feed = other
            return
        }
        feed?.merge(other)
    }

    /// Sends our head to a peer that is known to follow an earlier state, once for each head.
    private mutating func tellPeer(now: Instant) -> [Action] {
        guard let head = feed?.head, head != peerHead else { return [] }
        if let peerHead, (peerHead.epoch, peerHead.size) >= (head.epoch, head.size) { return [] }
        peerHead = head
        return [send(.news(head: head.bytes), now: now)]
    }
}

/// Answering.
extension SiteExchangeSession {
    private mutating func serve(_ query: SiteQuery, id: UInt32, now: Instant) -> [Action] {
        switch budget.take(now: now) {
        case .close: return close(.flooding)
        case .refuse: return [send(.refuse(id: id, .busy), now: now)]
        case .serve: break
        }
        switch query {
        case .node(let hash, let offset): return [perform(serving.serve(node: hash, offset: offset, id: id), now: now)]
        case .path(let node, let path): return [perform(serving.serve(path: path, from: node, id: id), now: now)]
        case .front(let path):
            guard let root = feed?.state.newest?.release.directory else {
                return [send(.refuse(id: id, .notHeld), now: now)]
            }
            return [perform(serving.serve(path: path, from: root, id: id), now: now)]
        default: return [send(answer(query, id: id), now: now)]
        }
    }

    private func answer(_ query: SiteQuery, id: UInt32) -> SiteMessage {
        if query == .key, feed == nil, let siteKey { return .answer(id: id, .key(siteKey)) }
        return switch feed?.answer(query, holds: holds) {
        case .success(let answer): .answer(id: id, answer)
        case .failure(let refusal): .refuse(id: id, refusal.reason)
        case nil: .refuse(id: id, .notHeld)
        }
    }

    private mutating func perform(_ output: SiteServing.Output, now: Instant) -> Action {
        switch output {
        case .read(let token, let hash): .read(token: token, node: hash)
        case .reply(let message): send(message, now: now)
        }
    }
}
