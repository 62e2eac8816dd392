// SPDX-License-Identifier: Apache-2.0
internal import OrderedCollections
internal import Wire

/// What a node does unasked.
extension DHTNode {
    // MARK: - Joining

    /// Looks for our own neighbourhood, and again later where few were found.
    mutating func join(now: Instant) {
        nextJoin = nil
        guard !isJoining else {
            // The search under way is for the neighbourhood of an id that is ours no more.
            joinsAgain = joinTargets != ownTargets
            return
        }
        isJoining = true
        joinTargets = ownTargets
        joinSearches = joinTargets.count
        for target in joinTargets { begin(.findNode, target, .join, now: now) }
    }

    /// One where the ids of both networks are the same: a search goes through both.
    private var ownTargets: [NodeID] {
        let targets = AddressFamily.allCases.filter { configuration.families.contains($0) }.map { id($0) }
        return targets.count == 2 && targets[0] == targets[1] ? [targets[0]] : targets
    }

    mutating func joined(_ operation: Operation, now: Instant) {
        joinSearches -= 1
        guard joinSearches == 0 else { return }
        isJoining = false
        if joinsAgain {
            joinsAgain = false
            return join(now: now)
        }
        actions.append(.event(.joined(nodes: nodeCount)))
        guard nodeCount < configuration.bucketSize else {
            remembered = []
            joinDelay = .seconds(1)
            meetOthers(now: now)
            return
        }
        // A network of a few nodes is in order too, so the pauses grow.
        planJoin(at: now + joinDelay)
        joinDelay = min(joinDelay * 2, nodeCount == 0 ? .seconds(60) : .seconds(300))
    }

    /// Only the soonest of several plans counts.
    mutating func planJoin(at time: Instant) {
        guard nextJoin.map({ time < $0 }) ?? true else { return }
        nextJoin = time
        deadlines.plan(.join, at: time)
    }

    /// One look into each of the furthest parts of the key space fills their buckets, where they are not full already.
    private mutating func meetOthers(now: Instant) {
        for own in ownTargets {
            for bits in 0..<3 where lacksNodes(sharing: bits) {
                begin(.findNode, own.neighbour(sharing: bits, using: &generator), .refresh, now: now)
            }
        }
    }

    private func lacksNodes(sharing bits: Int) -> Bool {
        configuration.families.contains { family in
            let buckets = tables[family.rawValue].buckets
            return bits < buckets.count && buckets[bits].entries.count < configuration.bucketSize
        }
    }

    // MARK: - Maintenance

    mutating func maintain(now: Instant) {
        deadlines.plan(.maintenance, at: now + Self.maintenanceInterval)
        tokens.rotate(now: now, secret: generator.bytes(16))
        items.expire(now: now)
        peers.expire(now: now)
        if silent.values.contains(where: { $0 <= now }) { silent = silent.filter { $0.value > now } }
        for family in AddressFamily.allCases where configuration.families.contains(family) {
            if let target = tables[family.rawValue].refreshTarget(now: now, using: &generator) {
                begin(.findNode, target, .refresh, now: now)
            }
            check(family, now: now)
        }
        if nodeCount == 0, !entrances.isEmpty || !remembered.isEmpty { join(now: now) }
    }

    /// Asks the node that has been silent longest for a sign of life; k of them where most did not answer lately, or one
    /// of those has answered now: the network is coming back then, and whoever waits for a turn is missed until it comes.
    private mutating func check(_ family: AddressFamily, now: Instant) {
        let table = tables[family.rawValue]
        let isReturning = hasNews || table.answeringCount * 2 < table.count
        for contact in table.questionable(isReturning ? configuration.bucketSize : 1, now: now)
        where permit(contact.endpoint, now: now) == nil {
            ask(.ping, contact.endpoint, id: contact.id, .ping, now: now)
        }
        hasNews = false
    }

    // MARK: - Publishing again

    /// At most this many publications are repeated at once.
    private static var publicationsAtOnce: Int { 4 }

    mutating func publishDue(now: Instant) {
        nextPublications = nil
        if isHastening {
            isHastening = false
            schedule.hasten(now: now)
        }
        var running = Set<PublicationSchedule.Key>()
        for operation in operations.values {
            if case .republish(let key) = operation.purpose { running.insert(key) }
        }
        for (key, entry) in schedule.due(limit: Self.publicationsAtOnce * 2, now: now)
        where !running.contains(key) && running.count < Self.publicationsAtOnce {
            guard !isDenied(entry.publication) else {
                schedule.remove(key)
                continue
            }
            guard republishing.take(0, now: now) else { break }
            running.insert(key)
            let goal = Operation.Goal.publish(entry.publication, expecting: nil)
            begin(goal, key.target, .republish(key), keep: entry.policy, now: now)
        }
        planPublications(now: now)
    }

    /// Plans the next look at the schedule.
    mutating func planPublications(now: Instant) {
        guard let next = schedule.next else { return }
        planPublications(at: max(next, now + .milliseconds(500)))
    }

    /// Only the soonest of several plans counts.
    mutating func planPublications(at time: Instant) {
        guard nextPublications.map({ time < $0 }) ?? true else { return }
        nextPublications = time
        deadlines.plan(.publications, at: time)
    }

    /// One publication is done; the next time is set, and what was newer takes its place.
    mutating func settle(_ key: PublicationSchedule.Key, _ operation: Operation, now: Instant) {
        schedule.published(
            key,
            at: operation.keepers(width: configuration.bucketSize),
            premature: nodeCount < configuration.bucketSize,
            jitter: Double.random(in: 0...1, using: &generator),
            now: now
        )
        if case .publish(.mutable(let item), _) = operation.goal, let best = operation.best,
            best.sequence > item.sequence, let policy = schedule.entries[key]?.policy
        {
            schedule.keep(.mutable(best), policy: policy, due: now + RepublishPace(.mutable(best), policy).first)
            try? keep(best, expecting: nil, isOwn: policy == .own, now: now)
            actions.append(.event(.superseded(best)))
        }
        planPublications(now: now)
    }
}
