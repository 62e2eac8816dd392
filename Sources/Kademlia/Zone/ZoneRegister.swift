// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import OrderedCollections
internal import Wire

/// The records that a node of a zone holds, in buckets by the beginning of their ids.
///
/// Memory: at most `capacity` records of at most 1,000 bytes, and twice as many numbers of those that have gone.
struct ZoneRegister: Sendable {
    struct Entry: Sendable {
        let record: PeerRecord
        /// When it was signed, by our clock and what those said who passed it on.
        let signed: Instant
        /// Until when it counts without a newer one.
        let deadline: Instant
        /// From when on a renewal is missing (§5): in a full zone it may be let go.
        let due: Instant
        /// The network of its first address, which it is counted with.
        let place: IPAddress?

        init(_ record: PeerRecord, signed: Instant) {
            self.record = record
            self.signed = signed
            let life = Duration.seconds(Int64(clamping: record.life))
            deadline = signed + life
            due = signed + min(life / 2, ZoneSpecification.longestPatience)
            place = record.endpoints.first?.address.prefix
        }
    }

    /// What became of a record.
    enum Admission: Equatable {
        /// A peer that was not known, or whose addresses have changed or gone.
        case news
        /// The same again, newer.
        case refreshed
        /// Not newer than what is known.
        case old
        /// Of another network, out of date, too soon after the one before, or there is no room.
        case refused
    }

    /// Of a bucket's sum.
    static let bytesOfSum = 6

    let capacity: Int
    private(set) var entries: OrderedDictionary<UInt64, Entry> = [:]
    /// Numbers of records that have gone: no such record is taken again.
    private var floors: OrderedDictionary<UInt64, UInt64> = [:]
    private(set) var buckets: [[UInt64]]
    /// Those of them that have been computed since the bucket changed.
    var sums: [UInt64?]
    /// No entry ends before.
    private(set) var earliest: Instant?
    /// No entry misses a renewal before.
    private var soonestDue: Instant?
    /// Of the entries, those who say that they have gone.
    private var withdrawnCount = 0
    private(set) var crowds = ZoneCrowds()
    /// Four records of one peer at once, then one in ten seconds: who changes more often is heard less often.
    private var arrivals: RateLimiter<UInt64>

    init(capacity: Int) {
        self.capacity = capacity
        arrivals = RateLimiter(perSecond: 0.1, burst: 4, capacity: capacity * 2)
        buckets = Array(repeating: [], count: ZoneSpecification.buckets)
        sums = Array(repeating: nil, count: ZoneSpecification.buckets)
    }

    /// How many records are held, of those who have gone too.
    var count: Int { entries.count }

    func record(of id: UInt64) -> PeerRecord? { entries[id]?.record }

    /// How many peers say that they are there.
    var memberCount: Int { entries.count - withdrawnCount }

    /// The highest number known of that id.
    func sequence(of id: UInt64) -> UInt64? { entries[id]?.record.sequence ?? floors[id] }

    private static func bucket(of id: UInt64) -> Int { Int(id >> 58) }

    /// Takes a verified record; `age` is how long ago it was signed, and the checks of network and clock are done.
    mutating func admit(_ record: PeerRecord, age: Duration, isOwn: Bool = false, now: Instant) -> Admission {
        let id = record.zoneID
        if let known = sequence(of: id), record.sequence <= known { return .old }
        let before = entries[id]
        let entry = Entry(record, signed: Self.signed(record, age: age, after: before, now: now))
        guard entry.deadline > now else { return .refused }
        if let before {
            guard before.record.issuer == record.issuer, isOwn || arrivals.take(id, now: now) else { return .refused }
            replace(id, by: entry)
            return before.record.addresses == record.addresses ? .refreshed : .news
        }
        // Whom nobody here knows need not say that he has gone.
        guard isOwn || !record.isWithdrawn, isOwn || arrivals.take(id, now: now) else { return .refused }
        guard entries.count < capacity || makeRoom(for: entry, isOwn: isOwn, now: now) else { return .refused }
        floors[id] = nil
        replace(id, by: entry)
        return .news
    }

    /// By what is said of its age; but not sooner after the one before than its issuer has it by his own clock, so that who passes
    /// on a renewal cannot make it look older than it is.
    private static func signed(_ record: PeerRecord, age: Duration, after before: Entry?, now: Instant) -> Instant {
        guard let before, record.notBefore > before.record.notBefore else { return now - age }
        let passed = Duration.seconds(Int64(clamping: record.notBefore - before.record.notBefore))
        return max(now - age, min(before.signed + passed, now))
    }

    private mutating func replace(_ id: UInt64, by entry: Entry) {
        let bucket = Self.bucket(of: id)
        if let before = entries.updateValue(entry, forKey: id) {
            uncount(before)
        } else {
            let place = buckets[bucket].firstIndex { $0 > id } ?? buckets[bucket].count
            buckets[bucket].insert(id, at: place)
        }
        sums[bucket] = nil
        crowds.add(entry.place)
        if entry.record.isWithdrawn { withdrawnCount += 1 }
        earliest = min(earliest ?? entry.deadline, entry.deadline)
        soonestDue = min(soonestDue ?? entry.due, entry.due)
    }

    private mutating func uncount(_ entry: Entry) {
        crowds.remove(entry.place)
        if entry.record.isWithdrawn { withdrawnCount -= 1 }
    }

    private mutating func remove(_ id: UInt64) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        let bucket = Self.bucket(of: id)
        buckets[bucket].removeAll { $0 == id }
        sums[bucket] = nil
        uncount(entry)
        if floors.count >= capacity * 2 { floors.removeFirst() }
        floors[id] = entry.record.sequence
    }

    // MARK: - Room

    /// In a full zone who has gone makes room; then who has missed a renewal, the longest overdue first, who comes back with the next;
    /// then the last comer of the network with the most records, where that has two more than the newcomer's: nobody crowds others out
    /// with addresses of one network. Who renews in time is let go for none but the last reason.
    private mutating func makeRoom(for newcomer: Entry, isOwn: Bool, now: Instant) -> Bool {
        guard let id = gone ?? overdue(now: now) ?? crowding(newcomer, isOwn: isOwn) else { return false }
        remove(id)
        return true
    }

    private var gone: UInt64? {
        withdrawnCount > 0 ? entries.elements.first { $0.value.record.isWithdrawn }?.key : nil
    }

    /// Looks at all entries only when there can be one.
    private mutating func overdue(now: Instant) -> UInt64? {
        guard let soonestDue, soonestDue <= now else { return nil }
        // In place, since copies of the entries would be most of the cost.
        let all = entries.values.elements
        let span = all.span
        guard let longest = span.indices.min(by: { span[$0].due < span[$1].due }) else { return nil }
        self.soonestDue = span[longest].due
        return span[longest].due <= now ? entries.keys[longest] : nil
    }

    private func crowding(_ newcomer: Entry, isOwn: Bool) -> UInt64? {
        guard isOwn || crowds.most >= crowds.count(newcomer.place) + 2 else { return nil }
        let all = entries.values.elements
        let span = all.span
        return span.indices.reversed().first { crowds.count(span[$0].place) == crowds.most }.map { entries.keys[$0] }
    }

    /// Forgets what has had no newer record for the life it was signed for.
    mutating func expire(now: Instant) {
        guard let earliest, earliest <= now else { return }
        for (id, entry) in entries where entry.deadline <= now { remove(id) }
        self.earliest = entries.values.map { $0.deadline }.min()
    }
}
