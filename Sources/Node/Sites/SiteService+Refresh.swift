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
        case synced(Endpoint, SiteSyncOutcome)
        case momentPassed
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
        let item = PointerBox()
        let search = await run(known, site, key, peers, limit, trace, item)
        if let feed = try await feed(of: site) {
            trace.note("\(search.agreed) of \(search.answered) peers agree on \(feed.log.size) entries")
            // Who meets a site for the first time may have met a thief; the owner's word is looked for behind it.
            if known == nil, shouldSearchRecovery(of: site) { enqueue.yield(.searchRecovery(site)) }
            return SiteFinding(content: .feed(feed), agreed: search.agreed, answered: search.answered)
        }
        if let item = item.value, let found = Self.finding(item) {
            trace.note("no history found: the pointer's tree is shown as it is")
            return found
        }
        trace.note("nothing found")
        throw Self.nobody(limit)
    }

    private func run(
        _ known: SiteFeed?,
        _ site: Digest256,
        _ key: PublicKey?,
        _ peers: [Endpoint],
        _ limit: Duration,
        _ trace: SiteTrace,
        _ item: PointerBox
    ) async -> SiteSearch {
        let network = network
        let hashes = locations(of: site, known)
        let keys = Self.pointerKeys(known, key)
        let (events, sink) = AsyncStream.makeStream(of: Event.self, bufferingPolicy: .bufferingNewest(512))
        return await withTaskGroup(of: Void.self) { group in
            var search = SiteSearch(searches: hashes.count + keys.count)
            group.addTask {
                if (try? await Task.sleep(for: limit)) != nil { sink.yield(.timeIsUp) }
            }
            // A node that has just begun has nobody to ask yet. What is known already is not held up by that.
            let patience = known == nil ? limit : .zero
            for hash in hashes {
                trace.note("asking the DHT for peers of \(hash.hex)")
                group.addTask {
                    await network.entered(within: patience)
                    for await peers in network.peers(for: hash) {
                        trace.note("\(peers.count) peers from the DHT")
                        sink.yield(.found(peers))
                    }
                    sink.yield(.searchEnded)
                }
            }
            for key in keys {
                group.addTask {
                    await network.entered(within: patience)
                    await self.readPointer(key, known, into: item, trace)
                    sink.yield(.searchEnded)
                }
            }
            var iterator = events.makeAsyncIterator()
            var actions = search.found(peers + holders(of: site) + connections(of: site).compactMap(\.endpoint))
            while true {
                for action in actions {
                    switch action {
                    case .dial(let endpoint):
                        trace.note("asking \(endpoint)")
                        dial(endpoint, for: site) { outcome in
                            trace.note("\(endpoint): \(outcome)")
                            sink.yield(.synced(endpoint, outcome))
                        }
                    case .wait(let pause):
                        group.addTask {
                            if (try? await Task.sleep(for: pause)) != nil { sink.yield(.momentPassed) }
                        }
                    case .finish: sink.finish()
                    }
                }
                if search.isDone { break }
                guard let event = await iterator.next() else { break }
                actions = Self.receive(event, &search)
            }
            group.cancelAll()
            return search
        }
    }

    private static func receive(_ event: Event, _ search: inout SiteSearch) -> [SiteSearch.Action] {
        switch event {
        case .found(let endpoints): search.found(endpoints)
        case .searchEnded: search.searchEnded()
        case .synced(let endpoint, let outcome): search.ended(endpoint, outcome)
        case .momentPassed: search.momentPassed()
        case .timeIsUp: search.timeIsUp()
        }
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
        _ trace: SiteTrace
    ) async {
        guard let item = await network.readItem(key: key, salt: []) else {
            return trace.note("no pointer in the DHT under \(key.hex.prefix(16))")
        }
        trace.note("pointer \(item.sequence) under \(key.hex.prefix(16))")
        box.offer(item)
        remember(item)
        if SiteLocations.isSuspicious(sequence: item.sequence), let known {
            trace.note("its number is beyond reason: looking for a recovery")
            enqueue.yield(.searchRecovery(known.site))
        }
    }

    private func tree(under key: PublicKey, salt: [UInt8], trace: SiteTrace) async -> SiteFinding? {
        guard let item = await network.readItem(key: key, salt: salt) else { return nil }
        trace.note("pointer \(item.sequence) under a salted key")
        return Self.finding(item)
    }

    private static func finding(_ item: MutableItem) -> SiteFinding? {
        guard let pointer = try? SitePointer(value: item.value) else { return nil }
        let content = SiteFinding.Content.tree(
            v1: pointer.infohash,
            v2: pointer.infohashV2,
            sequence: item.sequence
        )
        return SiteFinding(content: content, agreed: 0, answered: 0)
    }

    private static func nobody(_ limit: Duration) -> NodeError {
        NodeError(
            .unavailable,
            "nobody who holds this site was found within \(limit.components.seconds) s",
            remedy: "Try again later, or name a peer that has it with --peer HOST:PORT."
        )
    }

    /// Looks for those who hold the recovery of a site, and takes it over if there is one.
    func searchRecovery(of site: Digest256) async {
        guard let feed = try? await feed(of: site) else { return }
        var asked = 0
        for await peers in network.peers(for: SiteLocations.recovery(feed.state.recovery)) {
            for endpoint in peers where asked < SiteSearch.maximumPeers {
                asked += 1
                dial(endpoint, for: site) { _ in }
            }
        }
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
