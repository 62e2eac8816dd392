// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import OrderedCollections
internal import Wire

/// The records that a node of a zone holds, in buckets by the beginning of their ids.
///
/// Memory: at most `capacity` records of at most 1,000 bytes, and twice as many numbers of those that have gone.
struct ZoneRegister: Sendable {
    struct Entry: Sendable {
        var record: PeerRecord
        /// When it was signed, by our clock and what those said who passed it on.
        var signed: Instant
        /// Until when it counts without a newer one.
        var deadline: Instant { signed + .seconds(Int64(record.life)) }
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
    private var buckets: [[UInt64]]
    private var sums: [UInt64?]
    /// No entry ends before.
    private(set) var earliest: Instant?
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
    var memberCount: Int { entries.values.reduce(0) { $0 + ($1.record.isWithdrawn ? 0 : 1) } }

    /// The highest number known of that id.
    func sequence(of id: UInt64) -> UInt64? { entries[id]?.record.sequence ?? floors[id] }

    private static func bucket(of id: UInt64) -> Int { Int(id >> 58) }

    /// Takes a verified record; `age` is how long ago it was signed, and the checks of network and clock are done.
    mutating func admit(_ record: PeerRecord, age: Duration, isOwn: Bool = false, now: Instant) -> Admission {
        let id = record.zoneID
        if let known = sequence(of: id), record.sequence <= known { return .old }
        let entry = Entry(record: record, signed: now - age)
        guard entry.deadline > now else { return .refused }
        if let before = entries[id] {
            guard before.record.issuer == record.issuer, isOwn || arrivals.take(id, now: now) else { return .refused }
            replace(id, by: entry)
            return before.record.addresses == record.addresses ? .refreshed : .news
        }
        // Whom nobody here knows need not say that he has gone.
        guard isOwn || !record.isWithdrawn, isOwn || arrivals.take(id, now: now) else { return .refused }
        guard entries.count < capacity || makeRoom(for: record, isOwn: isOwn, now: now) else { return .refused }
        floors[id] = nil
        replace(id, by: entry)
        return .news
    }

    private mutating func replace(_ id: UInt64, by entry: Entry) {
        let bucket = Self.bucket(of: id)
        if entries.updateValue(entry, forKey: id) == nil {
            let place = buckets[bucket].firstIndex { $0 > id } ?? buckets[bucket].count
            buckets[bucket].insert(id, at: place)
        }
        sums[bucket] = nil
        earliest = min(earliest ?? entry.deadline, entry.deadline)
    }

    private mutating func remove(_ id: UInt64) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        let bucket = Self.bucket(of: id)
        buckets[bucket].removeAll { $0 == id }
        sums[bucket] = nil
        if floors.count >= capacity * 2 { floors.removeFirst() }
        floors[id] = entry.record.sequence
    }

    /// In a full zone who has gone makes room, then the last comer of the network with the most records, where that has two more
    /// than the newcomer's: nobody crowds others out with addresses of one network.
    private mutating func makeRoom(for record: PeerRecord, isOwn: Bool, now: Instant) -> Bool {
        if let gone = entries.first(where: { $0.value.record.isWithdrawn }) {
            remove(gone.key)
            return true
        }
        var counts: [IPAddress?: Int] = [:]
        for entry in entries.values { counts[Self.place(entry.record), default: 0] += 1 }
        let own = counts[Self.place(record)] ?? 0
        let most = counts.values.max() ?? 0
        guard isOwn || most >= own + 2 else { return false }
        guard
            let last = entries.reversed().first(where: {
                counts[Self.place($0.value.record)] == most
            })
        else { return false }
        remove(last.key)
        return true
    }

    private static func place(_ record: PeerRecord) -> IPAddress? { record.endpoints.first?.address.prefix }

    /// Forgets what has had no newer record for the life it was signed for.
    mutating func expire(now: Instant) {
        guard let earliest, earliest <= now else { return }
        for (id, entry) in entries where entry.deadline <= now { remove(id) }
        self.earliest = entries.values.map { $0.deadline }.min()
    }

    // MARK: - Comparing

    /// One for each bucket: 48 bits of the SHA-256 of its digests, 0 where it is empty.
    mutating func allSums() -> [UInt64] {
        buckets.indices.map { bucket in
            if let sum = sums[bucket] { return sum }
            let sum = buckets[bucket].isEmpty ? 0 : Hash.sha256(ZoneDigest.bytes(digests(of: bucket))).leading >> 16
            sums[bucket] = sum
            return sum
        }
    }

    private func digests(of bucket: Int) -> [ZoneDigest] {
        buckets[bucket].compactMap { id in
            entries[id].map { ZoneDigest(id: id, sequence: $0.record.sequence) }
        }
    }

    /// The digests of the buckets in which others have another sum, whole buckets from one on, as many as fit one message;
    /// and the next one, where there are more. Of a bucket that never fits, as many as do, from a place that `random` chooses.
    mutating func differing(from others: [UInt64], beginning: Int, random: Int) -> (digests: [ZoneDigest], next: Int?) {
        let own = allSums()
        var found: [ZoneDigest] = []
        for step in own.indices {
            let bucket = (beginning + step) % own.count
            guard own[bucket] != others[bucket], own[bucket] != 0 else { continue }
            var digests = digests(of: bucket)
            if digests.count > ZoneSpecification.maximumDigests {
                let start = random % digests.count
                digests = Array((digests[start...] + digests[..<start]).prefix(ZoneSpecification.maximumDigests))
            }
            guard found.count + digests.count <= ZoneSpecification.maximumDigests else { return (found, bucket) }
            found += digests
        }
        return (found, nil)
    }

    /// Records as they are passed on, as many of those asked for as fit one message.
    func items(_ ids: [UInt64], now: Instant) -> [ZoneItem] {
        var items: [ZoneItem] = []
        var room = ZoneSpecification.maximumAnswer
        for id in ids {
            guard let entry = entries[id], entry.deadline > now, entry.record.bytes.count + 8 <= room else { continue }
            room -= entry.record.bytes.count + 8
            items.append(item(entry, now: now))
        }
        return items
    }

    func item(_ entry: Entry, now: Instant) -> ZoneItem {
        ZoneItem(age: UInt32(clamping: (now - entry.signed).components.seconds), bytes: entry.record.bytes)
    }
}
