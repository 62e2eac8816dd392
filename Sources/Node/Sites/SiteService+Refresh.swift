// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Kademlia
internal import Keys
internal import Storage
internal import Wire

extension SiteService {
    private enum Event: Sendable {
        case found([Endpoint])
        case searchEnded
        case promised(Digest256)
        case synced(Endpoint, SiteSyncOutcome, head: Digest256?)
        case passed(SiteSearch.Pause)
        case timeIsUp
    }

    /// Looks for the newest provable state of a site, for at most `limit`; what is found is on disk when this returns.
    ///
    /// Returns as soon as a holder has proven a state that is not older than what was known and others had a moment to
    /// bring a newer one. Without any answer it returns what was known. Throws `.unavailable` where that is nothing,
    /// `.denied` where a rule names the site. Cancelling ends the search; connections stay until they are idle.
    ///
    /// `peers`: asked beside those that are found.
    func refresh(
        _ address: SiteAddress,
        peers: [Endpoint] = [],
        within limit: Duration = .seconds(20),
        trace: SiteTrace = SiteTrace()
    ) async throws(NodeError) -> SiteFinding {
        if let rule = context.admission.denial(of: address.subject) { throw NodeError(rule) }
        switch address {
        case .site(let site):
            return try await refresh(site, key: key(of: site), peers: peers, within: limit, trace: trace)
        case .key(let key, let salt) where salt.isEmpty:
            learnt(key, of: key.identifier)
            return try await refresh(key.identifier, key: key, peers: peers, within: limit, trace: trace)
        case .key(let key, let salt):
            guard let found = await tree(under: key, salt: salt, trace: trace) else { throw Self.nobody(limit) }
            return found
        case .tree(let v1, let v2):
            return SiteFinding(content: .tree(v1: v1, v2: v2, sequence: 0), agreed: 0, answered: 0)
        }
    }

    private func refresh(
        _ site: Digest256,
        key: PublicKey?,
        peers: [Endpoint],
        within limit: Duration,
        trace: SiteTrace
    ) async throws(NodeError) -> SiteFinding {
        let known = try await feed(of: site)
        if let known { trace.note("known: \(known.log.size) entries, epoch \(known.head.epoch.recoveries)") }
        let result = await search(SearchWish(site: site, key: key, peers: peers, known: known), limit, trace)
        if let feed = try await feed(of: site) {
            trace.note("\(result.agreed) of \(result.answered) peers agree on \(feed.log.size) entries")
            // Who meets a site for the first time may have met a thief; the owner's word is looked for behind it.
            if known == nil, shouldSearchRecovery(of: site) { enqueue.yield(.searchRecovery(site)) }
            return SiteFinding(content: .feed(feed), agreed: result.agreed, answered: result.answered)
        }
        if let item = result.item, let found = Self.finding(item) {
            trace.note("no history found: the pointer's tree is shown as it is")
            return found
        }
        trace.note("nothing found")
        throw Self.nobody(limit, impostors: impostors(of: site))
    }

    /// What one caller wants to be looked for.
    private struct SearchWish: Sendable {
        var site: Digest256
        var key: PublicKey?
        var peers: [Endpoint]
        var known: SiteFeed?
    }

    /// Searches, or waits for somebody who does already, until there is a result or no time is left.
    private func search(_ wish: SearchWish, _ limit: Duration, _ trace: SiteTrace) async -> SearchResult {
        let deadline = ContinuousClock.now + limit
        while true {
            let left = deadline - .now
            let (events, sink) = AsyncStream.makeStream(of: Event.self, bufferingPolicy: .bufferingNewest(512))
            switch searches.join(wish.site, peers: wish.peers, found: { sink.yield(.found($0)) }) {
            case .lead(let id):
                let result = await lead(wish, id, max(.zero, left), trace, (events, sink))
                searches.end(wish.site, id, result)
                return result
            case .follow(let results):
                trace.note("a search for this site runs already")
                if let result = await Self.first(of: results, within: left) { return result }
                if Task.isCancelled || deadline <= .now { return SearchResult() }
            }
        }
    }

    private static func first(of results: AsyncStream<SearchResult>, within limit: Duration) async -> SearchResult? {
        await withTaskGroup(of: SearchResult?.self) { group in
            group.addTask {
                for await result in results { return result }
                return nil
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }

    private func lead(
        _ wish: SearchWish,
        _ id: UInt64,
        _ limit: Duration,
        _ trace: SiteTrace,
        _ stream: (events: AsyncStream<Event>, sink: AsyncStream<Event>.Continuation)
    ) async -> SearchResult {
        let (site, sink, item) = (wish.site, stream.sink, PointerBox())
        let hashes = locations(of: site, wish.known)
        let keys = Self.pointerKeys(wish.known, wish.key)
        return await withTaskGroup(of: Void.self) { group in
            var search = SiteSearch(searches: hashes.count + keys.count)
            group.addTask {
                if (try? await Task.sleep(for: limit)) != nil { sink.yield(.timeIsUp) }
            }
            // A node that has just begun has nobody to ask yet. What is known already is not held up by that.
            let patience = wish.known == nil ? limit : .zero
            for hash in hashes {
                group.addTask {
                    await self.network.entered(within: patience)
                    await self.findPeers(hash, sink, trace)
                }
            }
            for key in keys {
                group.addTask {
                    await self.network.entered(within: patience)
                    await self.readPointer(key, wish.known, into: item, sink, trace)
                    sink.yield(.searchEnded)
                }
            }
            let known = wish.peers + holders(of: site) + connections(of: site).compactMap(\.endpoint)
            await drive(&search, from: known, stream) { action in
                switch action {
                case .dial(let endpoint):
                    ask(endpoint, of: site, id, sink, trace)
                    if wish.known == nil { onMeeting(endpoint) }
                case .wait(let pause):
                    group.addTask {
                        if (try? await Task.sleep(for: pause.duration)) != nil { sink.yield(.passed(pause)) }
                    }
                case .finish: sink.finish()
                }
            }
            group.cancelAll()
            return SearchResult(
                agreed: search.agreed,
                answered: search.answered,
                item: item.value,
                isWhole: search.isDone && !search.isCutShort && !Task.isCancelled
            )
        }
    }

    /// Gives the search its events, and does what it answers, until it is done.
    private func drive(
        _ search: inout SiteSearch,
        from known: [Endpoint],
        _ stream: (events: AsyncStream<Event>, sink: AsyncStream<Event>.Continuation),
        _ perform: (SiteSearch.Action) -> Void
    ) async {
        var iterator = stream.events.makeAsyncIterator()
        var actions = search.found(known)
        while true {
            for action in actions { perform(action) }
            if search.isDone { break }
            guard let event = await iterator.next() else { break }
            actions = Self.receive(event, &search)
        }
    }

    private func findPeers(
        _ hash: Digest160,
        _ sink: AsyncStream<Event>.Continuation,
        _ trace: SiteTrace
    ) async {
        trace.note("asking the DHT for peers of \(hash.hex)")
        for await peers in network.peers(for: hash) {
            trace.note("\(peers.count) peers from the DHT")
            sink.yield(.found(peers))
        }
        sink.yield(.searchEnded)
    }

    private func ask(
        _ endpoint: Endpoint,
        of site: Digest256,
        _ id: UInt64,
        _ sink: AsyncStream<Event>.Continuation,
        _ trace: SiteTrace
    ) {
        trace.note("asking \(endpoint)")
        dial(endpoint, for: site) { outcome in
            trace.note("\(endpoint): \(outcome)")
            if outcome == .agreed || outcome == .behind { self.searches.close(site, id) }
            sink.yield(.synced(endpoint, outcome, head: self.feeds.cached(site)?.head.hash))
        }
    }

    private static func receive(_ event: Event, _ search: inout SiteSearch) -> [SiteSearch.Action] {
        switch event {
        case .found(let endpoints): return search.found(endpoints)
        case .searchEnded: return search.searchEnded()
        case .promised(let head): search.promises(head)
        case .synced(let endpoint, let outcome, let head): return search.ended(endpoint, outcome, head: head)
        case .passed(let pause): return search.passed(pause)
        case .timeIsUp: return search.timeIsUp()
        }
        return []
    }

    /// Where holders are looked for; where those of a recovery would be, too, now and then.
    private func locations(of site: Digest256, _ known: SiteFeed?) -> [Digest160] {
        var hashes = [SiteLocations.holders(of: site)]
        if let known, shouldSearchRecovery(of: site) { hashes.append(SiteLocations.recovery(known.state.recovery)) }
        return hashes
    }

    private static func pointerKeys(_ known: SiteFeed?, _ key: PublicKey?) -> [PublicKey] {
        guard let known else { return key.map { [$0] } ?? [] }
        return known.state.writer == known.state.siteKey
            ? [known.state.writer] : [known.state.writer, known.state.siteKey]
    }

    private func readPointer(
        _ key: PublicKey,
        _ known: SiteFeed?,
        into box: PointerBox,
        _ sink: AsyncStream<Event>.Continuation,
        _ trace: SiteTrace
    ) async {
        guard let item = await network.readItem(key: key, salt: []) else {
            return trace.note("no pointer in the DHT under \(key.hex.prefix(16))")
        }
        trace.note("pointer \(item.sequence) under \(key.hex.prefix(16))")
        box.offer(item)
        remember(item)
        if SiteLocations.isSuspicious(sequence: item.sequence) {
            guard let known else { return }
            trace.note("its number is beyond reason: looking for a recovery")
            enqueue.yield(.searchRecovery(known.site))
        } else if let head = (try? SitePointer(value: item.value))?.head,
            known.map({ $0.head.hash != head && item.sequence > Int64($0.head.size) }) ?? false
        {
            trace.note("it names a newer state than is known here")
            sink.yield(.promised(head))
        }
    }

    private static func nobody(_ limit: Duration, impostors: Int = 0) -> NodeError {
        let nobody = "nobody who holds this site was found within \(limit.components.seconds) s"
        guard impostors > 0 else {
            return NodeError(
                .unavailable,
                nobody,
                remedy: "Try again later, or name a peer that has it with --peer HOST:PORT."
            )
        }
        return NodeError(
            .unavailable,
            nobody + ", and what \(impostors == 1 ? "an impostor" : "\(impostors) impostors") offered in its place was "
                + "refused: its key or its signatures are not the site's",
            remedy: "Compare the address with one from its publisher; if it is right, try again later."
        )
    }
}

extension NodeError {
    /// What a rule forbids.
    init(_ rule: AdmissionRule) {
        let reason = rule.reason.isEmpty ? "" : ": \(rule.reason)"
        self.init(
            .denied,
            "the list '\(rule.list)' forbids \(rule.subject.kind) \(rule.subject.value)\(reason)",
            remedy: "See `roost deny list`."
        )
    }
}
