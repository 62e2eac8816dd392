// SPDX-License-Identifier: Apache-2.0
internal import OrderedCollections
internal import Wire

/// What is to be announced and put again, and when.
///
/// The pauses follow what is seen: see ``RepublishPace``. Besides, a publication is due soon when a third of the nodes that
/// took it stopped answering, or when a node is met that is closer to it than one of them; see ``Entry/hasten(now:)``.
/// Memory: at most `capacity` entries of up to 1.5 kB.
struct PublicationSchedule: Sendable {
    struct Key: Hashable, Sendable {
        enum Kind: Hashable, Sendable {
            case peer
            case item
        }
        let kind: Kind
        let target: NodeID

        init(_ publication: Publication) {
            if case .peer = publication { kind = .peer } else { kind = .item }
            target = publication.target
        }
    }

    /// A node that took the publication.
    struct Holder: Sendable {
        let id: NodeID
        /// It stopped answering since.
        var isGone = false
    }

    struct Entry: Sendable {
        var publication: Publication
        var policy: KeepPolicy
        var due: Instant
        /// Published while the table had fewer than k nodes, or taken by nobody: repeated as soon as more are heard.
        var isPremature = true
        /// Nil until published.
        var lastTime: Instant?
        var pause: Duration
        /// Who took it, closest first: at most k for each family.
        var holders: [Holder] = []
        /// How often in a row it was published before its time.
        var hastes = 0
        var isHastened = false
        /// How often in a row nobody took it.
        var failures = 0

        var pace: RepublishPace { RepublishPace(publication, policy) }

        /// Due soon, but 30 s after the last time, and twice as long each time in a row: whoever lets nodes appear and
        /// go makes us publish a few times, not all the time.
        mutating func hasten(now: Instant) {
            let pause = min(Duration.seconds(30) * (1 << min(hastes, 10)), pause)
            let soon = max(now + .seconds(2), (lastTime ?? now) + pause)
            guard soon < due else { return }
            due = soon
            isHastened = true
        }
    }

    private let capacity: Int
    /// In the order of their first keeping, so that a run depends on its seed alone.
    private(set) var entries: OrderedDictionary<Key, Entry> = [:]

    init(capacity: Int) {
        self.capacity = capacity
    }

    /// - Returns: false when there is no room.
    @discardableResult
    mutating func keep(_ publication: Publication, policy: KeepPolicy, due: Instant) -> Bool {
        let key = Key(publication)
        guard entries[key] != nil || entries.count < capacity else { return false }
        let pause = RepublishPace(publication, policy).first
        entries[key] = Entry(publication: publication, policy: policy, due: due, pause: pause)
        return true
    }

    mutating func remove(_ key: Key) { entries[key] = nil }

    /// Sets the next time. `holders` are those that have it now, closest first; `jitter`, 0 to 1, spreads what was
    /// published together over a tenth of its pause.
    mutating func published(_ key: Key, at holders: [NodeID], premature: Bool, jitter: Double, now: Instant) {
        guard var entry = entries[key] else { return }
        if holders.isEmpty {
            entry.pause = entry.pace.afterFailure(entry.failures)
        } else if let last = entry.lastTime, !entry.holders.isEmpty {
            let remaining = entry.holders.lazy.filter { holder in holders.contains(holder.id) }.count
            entry.pause = entry.pace.next(after: now - last, remaining: remaining, of: entry.holders.count)
        } else {
            entry.pause = entry.pace.first
        }
        entry.hastes = entry.isHastened ? entry.hastes + 1 : 0
        entry.isHastened = false
        entry.failures = holders.isEmpty ? entry.failures + 1 : 0
        entry.isPremature = premature || holders.isEmpty
        entry.lastTime = now
        entry.holders = holders.map { Holder(id: $0) }
        entry.due = now + entry.pause * (1 - 0.1 * jitter)
        entries[key] = entry
    }

    /// Everything published too early is due now.
    mutating func hasten(now: Instant) {
        for (key, entry) in entries where entry.isPremature { entries[key]?.due = min(entry.due, now) }
    }

    /// A node answers that is new to the table, or did not answer for a while.
    /// - Returns: whether anything may be due sooner.
    mutating func met(_ id: NodeID, width: Int, now: Instant) -> Bool {
        var isAny = false
        for index in entries.values.indices {
            let target = entries.keys[index].target
            let holders = entries.values[index].holders
            guard let furthest = holders.last else { continue }
            if let own = holders.firstIndex(where: { $0.id == id }) {
                // It may have lost what it had while it was away.
                guard holders[own].isGone else { continue }
            } else if holders.count >= width, furthest.id ^ target <= id ^ target {
                continue
            }
            entries.values[index].hasten(now: now)
            isAny = true
        }
        return isAny
    }

    /// A node stopped answering.
    /// - Returns: whether anything may be due sooner.
    mutating func lost(_ id: NodeID, now: Instant) -> Bool {
        var isAny = false
        for index in entries.values.indices {
            guard let own = entries.values[index].holders.firstIndex(where: { $0.id == id }) else { continue }
            entries.values[index].holders[own].isGone = true
            let holders = entries.values[index].holders
            guard holders.lazy.filter({ $0.isGone }).count * 3 >= holders.count else { continue }
            entries.values[index].hasten(now: now)
            isAny = true
        }
        return isAny
    }

    /// Up to `limit` entries that are due, longest due first.
    func due(limit: Int, now: Instant) -> [(key: Key, entry: Entry)] {
        let due = entries.filter { $0.value.due <= now }.sorted { $0.value.due < $1.value.due }
        return due.prefix(limit).map { ($0.key, $0.value) }
    }

    var next: Instant? { entries.values.lazy.map { $0.due }.min() }
}
