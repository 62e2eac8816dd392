// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension RoutingTable {
    /// A node answered one of our queries: the only way into the table.
    mutating func answered(_ contact: Contact, now: Instant) -> Admission {
        guard contact.id != ownID, contact.endpoint.isReachable else { return .refused }
        let index = bucketIndex(of: contact.id)
        if let position = position(of: contact.id, in: index) {
            return refresh(index, position, contact, now)
        }
        forgetOldIdentity(of: contact)
        guard !isCrowded(buckets[index], by: contact) else { return .refused }
        return insert(Entry(contact: contact, lastAnswer: now), now)
    }

    private mutating func refresh(_ index: Int, _ position: Int, _ contact: Contact, _ now: Instant) -> Admission {
        let entry = buckets[index].entries[position]
        // The same id from another address: the old one keeps its place for as long as it answers.
        guard entry.contact.endpoint == contact.endpoint || entry.failures > 0 else { return .refused }
        buckets[index].entries[position].contact = contact
        buckets[index].entries[position].lastAnswer = now
        buckets[index].entries[position].failures = 0
        buckets[index].changed = now
        return entry.failures > 0 ? .returned(wasBad: entry.isBad) : .known
    }

    /// A node that restarted under a new id must not be listed twice.
    private mutating func forgetOldIdentity(of contact: Contact) {
        for index in buckets.indices {
            buckets[index].entries.removeAll { $0.contact.endpoint == contact.endpoint }
            buckets[index].replacements.removeAll { $0.contact.endpoint == contact.endpoint }
        }
    }

    private mutating func insert(_ entry: Entry, _ now: Instant) -> Admission {
        while true {
            let index = bucketIndex(of: entry.contact.id)
            if buckets[index].entries.count < bucketSize {
                buckets[index].entries.append(entry)
                buckets[index].changed = now
                return .added
            }
            if index == buckets.count - 1, buckets.count < NodeID.byteCount * 8 {
                split()
                continue
            }
            return replace(in: index, by: entry, now)
        }
    }

    private mutating func split() {
        let index = buckets.count - 1
        var near = Bucket(changed: buckets[index].changed)
        let shares: (Entry) -> Bool = { [ownID] in ($0.contact.id ^ ownID).leadingZeroBitCount > index }
        near.entries = buckets[index].entries.filter(shares)
        near.replacements = buckets[index].replacements.filter(shares)
        buckets[index].entries.removeAll(where: shares)
        buckets[index].replacements.removeAll(where: shares)
        buckets.append(near)
    }

    /// The bucket is full and stays whole: a bad node goes, then one whose id does not fit its address (BEP 42).
    private mutating func replace(in index: Int, by entry: Entry, _ now: Instant) -> Admission {
        let entries = buckets[index].entries
        let isTrial = without.contains(.boundIDs)
        let isSecured: (Entry) -> Bool = { isTrial || $0.contact.id.isSecured(for: $0.contact.endpoint.address) }
        if let position = entries.firstIndex(where: { $0.isBad })
            ?? (isSecured(entry) ? entries.lastIndex { !isSecured($0) } : nil)
        {
            buckets[index].entries[position] = entry
            buckets[index].changed = now
            return .added
        }
        buckets[index].replacements.removeAll { $0.contact.id == entry.contact.id }
        if buckets[index].replacements.count >= bucketSize { buckets[index].replacements.removeFirst() }
        buckets[index].replacements.append(entry)
        let questionable = entries.filter { !$0.isGood(now: now) }.min { $0.lastAnswer < $1.lastAnswer }
        return questionable.map { .probe($0.contact) } ?? .refused
    }

    /// An answer of a listed node took so long.
    mutating func measured(_ contact: Contact, _ time: Duration) {
        let index = bucketIndex(of: contact.id)
        if let position = position(of: contact, in: index) {
            buckets[index].entries[position].roundTrip.add(time)
        }
    }

    /// A node asked us something; it proves nothing, but keeps a node good that has answered before.
    mutating func heard(_ contact: Contact, now: Instant) {
        let index = bucketIndex(of: contact.id)
        if let position = position(of: contact, in: index) { buckets[index].entries[position].lastQuery = now }
    }

    /// The same node at the same address.
    private func position(of contact: Contact, in bucket: Int) -> Int? {
        guard let position = position(of: contact.id, in: bucket),
            buckets[bucket].entries[position].contact.endpoint == contact.endpoint
        else { return nil }
        return position
    }

    /// A node left a query unanswered.
    /// - Returns: whether it became bad by that.
    @discardableResult
    mutating func failed(_ contact: Contact, now: Instant) -> Bool {
        let index = bucketIndex(of: contact.id)
        buckets[index].replacements.removeAll { $0.contact == contact }
        guard let position = position(of: contact, in: index) else { return false }
        buckets[index].entries[position].failures += 1
        let entry = buckets[index].entries[position]
        if entry.isBad, let replacement = buckets[index].replacements.popLast() {
            buckets[index].entries[position] = replacement
            buckets[index].changed = now
        } else if entry.failures >= Self.failuresOfDead {
            buckets[index].entries.remove(at: position)
        }
        return entry.failures == Self.failuresOfBad
    }

    /// The bucket that has gone longest without a change, if that is 15 minutes (BEP 5 "Routing Table"), as a target
    /// to look up; it counts as changed from now on.
    mutating func refreshTarget(now: Instant, using generator: inout some RandomNumberGenerator) -> NodeID? {
        guard let index = buckets.indices.min(by: { buckets[$0].changed < buckets[$1].changed }),
            now - buckets[index].changed >= DHTSpecification.freshness
        else { return nil }
        buckets[index].changed = now
        return ownID.neighbour(sharing: index, using: &generator)
    }

    /// The questionable nodes that have been silent longest.
    func questionable(_ count: Int, now: Instant) -> [Contact] {
        var waiting: [(silentSince: Instant, contact: Contact)] = []
        for bucket in buckets {
            for entry in bucket.entries where !entry.isGood(now: now) {
                waiting.append((max(entry.lastAnswer, entry.lastQuery ?? .zero), entry.contact))
            }
        }
        return waiting.sorted { $0.silentSince < $1.silentSince }.prefix(count).map { $0.contact }
    }

    /// Nodes that stopped answering and were not replaced, closest first.
    func silent(near target: NodeID, count: Int) -> [Contact] {
        let silent = buckets.flatMap { $0.entries }.filter { $0.isBad }.map { $0.contact }
        return Array(silent.sorted { $0.id ^ target < $1.id ^ target }.prefix(count))
    }

    /// How many answered the last query that they were sent.
    var answeringCount: Int {
        buckets.reduce(0) { sum, bucket in bucket.entries.reduce(sum) { $0 + ($1.failures == 0 ? 1 : 0) } }
    }
}
