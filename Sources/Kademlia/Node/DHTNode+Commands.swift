// SPDX-License-Identifier: Apache-2.0
internal import Keys
public import Wire

extension DHTNode {
    /// Starts a command. It ends with exactly one ``Action/finished(_:_:)``, at the latest after about ten seconds,
    /// apart from an ``DHTCommand/update(key:salt:keep:)``, which waits for ``supply(_:for:now:)``.
    /// `id` must not be in use by another command, which is refused.
    public mutating func start(_ command: DHTCommand, id: CommandID, now: Instant) -> [Action] {
        guard commands[id] == nil, operations.count < configuration.maximumOperations else {
            actions.append(.finished(id, .refused))
            return flush()
        }
        let purpose = Operation.Purpose.command(id)
        switch command {
        case .findNode(let target): begin(.findNode, target, purpose, now: now)
        case .getPeers(let infoHash): begin(.getPeers, infoHash, purpose, now: now)
        case .scrape(let infoHash): begin(.scrape, infoHash, purpose, now: now)
        case .sampleInfohashes(let target): begin(.sampleInfohashes, target, purpose, now: now)
        case .getImmutable(let target): begin(.getImmutable, target, purpose, now: now)
        case .getMutable(let key, let salt):
            begin(.getMutable(key: key, salt: salt), MutableItem.target(key: key, salt: salt), purpose, now: now)
        case .publish(let publication, let expected, let policy):
            publish(publication, expecting: expected, keep: policy, purpose, now: now)
        case .update(let key, let salt, let policy):
            let target = MutableItem.target(key: key, salt: salt)
            begin(.update(key: key, salt: salt, isAsked: false), target, purpose, keep: policy, now: now)
        }
        return flush()
    }

    /// Ends a command at once; its end is reported as ``DHTOutcome/cancelled``.
    public mutating func cancel(_ id: CommandID, now: Instant) -> [Action] {
        if let operation = commands.removeValue(forKey: id) {
            operations[operation] = nil
            actions.append(.finished(id, .cancelled))
        }
        return flush()
    }

    /// The answer to ``DHTProgress/readyToSign(current:highest:)``: an item for the key and salt of the command; nil ends it as
    /// cancelled.
    public mutating func supply(_ item: MutableItem?, for id: CommandID, now: Instant) -> [Action] {
        guard let operation = commands[id], case .update? = operations[operation]?.goal else { return flush() }
        guard let item, item.target == operations[operation]?.target else { return cancel(id, now: now) }
        let policy = operations[operation]?.keep ?? .once
        operations[operation]?.goal = .publish(.mutable(item), expecting: nil)
        remember(.mutable(item), keep: policy, now: now)
        advance(operation, now: now)
        return flush()
    }

    /// Whether announces under this hash say that we have everything (BEP 33), from the next one on. Until the announce is
    /// stopped.
    public mutating func setSeed(_ isSeed: Bool, of infoHash: Digest160) {
        if isSeed, ownSeeds.count < configuration.maximumPublications {
            ownSeeds.insert(infoHash)
        } else if !isSeed {
            ownSeeds.remove(infoHash)
        }
    }

    /// Stops publishing again what was published with a ``KeepPolicy``.
    public mutating func stopPublishing(_ publication: Publication) {
        schedule.remove(PublicationSchedule.Key(publication))
        if case .peer(let infoHash, _) = publication {
            ownPeers[infoHash] = nil
            ownSeeds.remove(infoHash)
        } else {
            items.remove(publication.target)
        }
    }

    /// Keeps something alive from now on without publishing it first: its next time is one pause away.
    public mutating func keep(_ publication: Publication, policy: KeepPolicy, now: Instant) -> [Action] {
        remember(publication, keep: policy, due: now + RepublishPace(publication, policy).first, now: now)
        return flush()
    }

    /// Begins at these addresses, and at the nodes `known` from an earlier run. Routers are asked but never listed
    /// (BEP 5 "Torrent File Extensions").
    public mutating func join(
        through entrances: [Endpoint],
        areRouters: Bool = false,
        known: [Contact] = [],
        now: Instant
    ) -> [Action] {
        for entrance in entrances where !self.entrances.contains(entrance) { self.entrances.append(entrance) }
        if areRouters { routers.formUnion(entrances) }
        remembered += known
        join(now: now)
        return flush()
    }

    /// A peer of a torrent says that its node is there (BEP 5 `port`): who answers is listed where there is room.
    public mutating func meet(_ endpoint: Endpoint, now: Instant) -> [Action] {
        // Those who ask us keep half of the room.
        guard endpoint.isReachable, configuration.families.contains(endpoint.family), !routers.contains(endpoint),
            askedBack.count < Self.maximumAskedBack / 2
        else { return [] }
        askBack(endpoint, id: nil, now: now)
        return flush()
    }

    // MARK: - Operations

    func closestTarget(_ family: AddressFamily, _ target: NodeID) -> [Contact] {
        tables[family.rawValue].closest(to: target, count: configuration.bucketSize)
    }

    @discardableResult
    mutating func begin(
        _ goal: Operation.Goal,
        _ target: NodeID,
        _ purpose: Operation.Purpose,
        keep policy: KeepPolicy = .once,
        now: Instant
    ) -> UInt64 {
        let number = nextOperation
        nextOperation += 1
        let operation = Operation(target: target, goal: goal, purpose: purpose, keep: policy)
        for family in AddressFamily.allCases where configuration.families.contains(family) {
            operation.lookups += lookups(for: goal, target, family, isJoin: purpose == .join)
        }
        operations[number] = operation
        if case .command(let id) = purpose { commands[id] = number }
        readOwn(number, now: now)
        advance(number, now: now)
        return number
    }

    /// One search, or for values several whose first nodes are dealt out among them.
    private func lookups(for goal: Operation.Goal, _ target: NodeID, _ family: AddressFamily, isJoin: Bool) -> [Lookup]
    {
        let table = tables[family.rawValue]
        let paths = goal.isOfValues && !configuration.without.contains(.disjointPaths) ? configuration.disjointPaths : 1
        let isPoor = table.count < configuration.bucketSize
        // More than k, so that enough remain where some were silent a moment ago.
        var start = table.closest(to: target, count: configuration.bucketSize * max(2, paths))
        // Better to ask who did not answer before than nobody.
        if start.count < configuration.bucketSize {
            start += table.silent(near: target, count: configuration.bucketSize)
        }
        if isPoor || isJoin { start += remembered.prefix(32) }
        let parallelism = (configuration.parallelism + paths - 1) / paths
        return (0..<paths).map { path in
            var lookup = Lookup(
                target: target,
                family: family,
                // Together the ways end with more than k nodes.
                width: paths == 1 ? configuration.bucketSize : (configuration.bucketSize + paths - 1) / paths + 1,
                parallelism: isJoin ? configuration.parallelism * 2 : parallelism,
                mostQueries: Lookup.maximumQueries / paths,
                without: configuration.without,
                from: start.indices.lazy.filter { $0 % paths == path }.map { start[$0] }
            )
            guard isPoor else { return lookup }
            for (number, entrance) in entrances.enumerated() where number % paths == path {
                lookup.add(entrance: entrance)
            }
            return lookup
        }
    }

    /// A node counts itself among the closest: what it holds itself comes first.
    private mutating func readOwn(_ operation: UInt64, now: Instant) {
        guard let target = operations[operation]?.target, let goal = operations[operation]?.goal else { return }
        switch goal {
        case .findNode, .scrape, .sampleInfohashes, .publish(.peer, _), .publish(.immutable, _): break
        case .getPeers: readOwnPeers(target, operation, now: now)
        case .getImmutable:
            guard let item = items.immutable(target, now: now) else { break }
            operations[operation]?.immutable = item.value
            progress(.immutable(item.value), for: operation)
        case .getMutable, .update, .publish(.mutable, _):
            if let item = items.mutable(target, now: now) { found(item, for: operation, now: now) }
        }
    }

    private mutating func readOwnPeers(_ infoHash: Digest160, _ operation: UInt64, now: Instant) {
        for family in AddressFamily.allCases where configuration.families.contains(family) {
            var found = peers.peers(for: infoHash, family: family, limit: 200, now: now, using: &generator)
            if let own = ownEndpoint(for: infoHash, family: family) { found.append(own) }
            collect(found, for: operation)
        }
    }

    mutating func publish(
        _ publication: Publication,
        expecting expected: Int64?,
        keep policy: KeepPolicy,
        _ purpose: Operation.Purpose,
        now: Instant
    ) {
        remember(publication, keep: policy, now: now)
        let goal = Operation.Goal.publish(publication, expecting: expected)
        begin(goal, publication.target, purpose, keep: policy, now: now)
    }

    /// Keeps what is ours in our own stores, and on the schedule where it is to be repeated.
    mutating func remember(
        _ publication: Publication,
        keep policy: KeepPolicy,
        due: Instant? = nil,
        now: Instant
    ) {
        switch publication {
        case .peer(let infoHash, let port): rememberPeer(infoHash, port ?? 0, keep: policy, now: now)
        case .mutable(let item):
            floors.raise(item.target, to: item.sequence)
            // A conflict with what we hold is reported; the network decides the rest.
            try? keep(item, expecting: nil, isOwn: policy == .own, now: now)
        case .immutable(let item): items.put(item, isOwn: policy == .own, near: id, now: now)
        }
        guard policy != .once else { return }
        schedule.keep(publication, policy: policy, due: due ?? now + RepublishPace(publication, policy).first)
        planPublications(now: now)
    }

    /// An announce that is made once passes like those of others.
    private mutating func rememberPeer(_ infoHash: Digest160, _ port: UInt16, keep policy: KeepPolicy, now: Instant) {
        guard !isDenied(infoHash) else { return }
        if policy != .once {
            ownPeers[infoHash] = port
        } else {
            for address in AddressFamily.allCases.compactMap({ address($0) }) {
                let own = Endpoint(address, port: port == 0 ? configuration.localPort : port)
                if own.isReachable { peers.announce(own, for: infoHash, now: now) }
            }
        }
    }
}
