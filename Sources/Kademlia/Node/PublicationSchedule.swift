// SPDX-License-Identifier: Apache-2.0
internal import OrderedCollections
internal import Wire

/// What is to be announced and put again, and when.
///
/// Memory: at most `capacity` entries of up to 1.3 kB.
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

    struct Entry: Sendable {
        var publication: Publication
        var policy: KeepPolicy
        var due: Instant
        /// Published while the table had fewer than k nodes: to be repeated as soon as it has more.
        var isPremature = true
    }

    static let announceInterval = Duration.seconds(15 * 60)

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
        entries[key] = Entry(publication: publication, policy: policy, due: due)
        return true
    }

    mutating func remove(_ key: Key) { entries[key] = nil }

    /// Sets the next time. `jitter`, 0 to 1, spreads what was published together over a tenth of its interval.
    mutating func published(_ key: Key, premature: Bool, jitter: Double, now: Instant) {
        let interval = key.kind == .peer ? Self.announceInterval : DHTSpecification.republishInterval
        entries[key]?.due = now + interval * (1 - 0.1 * jitter)
        entries[key]?.isPremature = premature
    }

    /// Everything published too early is due now.
    mutating func hasten(now: Instant) {
        for (key, entry) in entries where entry.isPremature { entries[key]?.due = min(entry.due, now) }
    }

    /// Up to `limit` entries that are due, longest due first.
    func due(limit: Int, now: Instant) -> [(key: Key, entry: Entry)] {
        let due = entries.filter { $0.value.due <= now }.sorted { $0.value.due < $1.value.due }
        return due.prefix(limit).map { ($0.key, $0.value) }
    }

    var next: Instant? { entries.values.lazy.map { $0.due }.min() }
}
