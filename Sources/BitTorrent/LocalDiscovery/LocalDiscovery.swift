// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Finds peers in the local network (BEP 14, `docs/protocols/lsd.md`): says which torrents are here, hears which are elsewhere.
///
/// A machine without I/O. A hash is announced as soon as it is added, again after a minute, since multicast is lossy, and then
/// every five minutes; hearing somebody else announce it brings the next announcement forward, so that newcomers hear of us.
/// No hash is announced more than once a minute, and there is at most one datagram a second.
///
/// Bounds: ``maximumHashes`` hashes of 40 bytes, and ``maximumSources`` counters; from one source at most
/// ``perSource`` names a minute are believed. One input gives at most ``LocalAnnouncement/maximumHashes`` peers, one
/// datagram and one wake-up.
public struct LocalDiscovery: ~Copyable {
    /// BEP 14's port, for both families.
    public static let port: UInt16 = 6771
    static let interval = Duration.seconds(300)
    static let shortest = Duration.seconds(60)
    static let spacing = Duration.seconds(1)
    static let maximumHashes = 1024
    static let maximumSources = 256
    static let perSource = 64

    /// The multicast groups of BEP 14.
    public enum Group: CaseIterable, Sendable {
        case v4, v6

        /// 239.192.152.143 or ff15::efc0:988f.
        public var address: IPAddress {
            switch self {
            case .v4: .v4(0xEFC0_988F)
            case .v6: .v6(high: 0xFF15_0000_0000_0000, low: 0xEFC0_988F)
            }
        }

        /// As it stands in the `Host` header.
        var host: String { Endpoint(address, port: port).description }
    }

    /// What the driver does: sockets and timers are its own.
    public enum Action: Equatable, Sendable {
        /// To the groups of every interface, in the bytes for each family.
        case announce(LocalAnnouncement)
        case peer(Digest160, Endpoint)
        /// Replaces the last one.
        case wake(at: Duration)
    }

    private struct Schedule {
        var next: Duration
        var last: Duration?
    }

    private let listenPort: UInt16
    private let cookie: String
    private var hashes: [Digest160: Schedule] = [:]
    private var lastDatagram: Duration?
    /// Names believed from each source since `countedSince`.
    private var counts: [IPAddress: Int] = [:]
    private var countedSince = Duration.zero

    /// `cookie`: random, so that no two programs have the same.
    public init(listenPort: UInt16, cookie: UInt32) {
        self.listenPort = listenPort
        self.cookie = Hex.encode([24, 16, 8, 0].map { UInt8(truncatingIfNeeded: cookie >> $0) })
    }

    /// Announces a torrent from now on. Beyond ``maximumHashes`` nothing happens. Never for a private one (BEP 27).
    public mutating func add(_ hash: Digest160, now: Duration) -> [Action] {
        guard hashes[hash] == nil, hashes.count < Self.maximumHashes else { return [] }
        hashes[hash] = Schedule(next: now)
        return schedule(now)
    }

    /// Announces a torrent no more; one that was not announced is fine.
    public mutating func remove(_ hash: Digest160) { hashes[hash] = nil }

    /// Networks came or went: everything is announced anew, as far as the last minute allows.
    public mutating func interfacesChanged(now: Duration) -> [Action] {
        for (hash, schedule) in hashes {
            let earliest = schedule.last.map { $0 + Self.shortest } ?? now
            hashes[hash]?.next = min(schedule.next, max(earliest, now))
        }
        return schedule(now)
    }

    /// A datagram that came to one of the groups.
    public mutating func receive(_ bytes: ArraySlice<UInt8>, from source: IPAddress, now: Duration) -> [Action] {
        guard let announcement = LocalAnnouncement(parsing: bytes), announcement.cookie != cookie,
            Self.canBeDialled(source)
        else { return [] }
        var actions: [Action] = []
        for hash in announcement.hashes {
            guard let schedule = hashes[hash], isBelieved(source, now) else { continue }
            actions.append(.peer(hash, Endpoint(source, port: announcement.port)))
            let earliest = (schedule.last ?? now) + Self.shortest
            hashes[hash]?.next = min(schedule.next, max(earliest, now + Self.spacing))
        }
        return actions + (actions.isEmpty ? [] : schedule(now))
    }

    /// An address of the link alone means nothing without the interface it was heard on.
    private static func canBeDialled(_ source: IPAddress) -> Bool {
        switch source.scope {
        case .linkLocal: source.isV4
        case .notUnicast: false
        case .global, .loopback, .privateUse, .shared, .reserved: true
        }
    }

    private mutating func isBelieved(_ source: IPAddress, _ now: Duration) -> Bool {
        if now - countedSince >= .seconds(60) {
            counts = [:]
            countedSince = now
        }
        guard counts[source] != nil || counts.count < Self.maximumSources else { return false }
        let count = counts[source, default: 0]
        guard count < Self.perSource else { return false }
        counts[source] = count + 1
        return true
    }

    /// The time that the last `wake` action named has come.
    public mutating func wake(now: Duration) -> [Action] {
        guard lastDatagram.map({ now - $0 >= Self.spacing }) ?? true else { return schedule(now) }
        let due = hashes.filter { $0.value.next <= now }.sorted { ($0.value.next, $0.key) < ($1.value.next, $1.key) }
            .prefix(LocalAnnouncement.maximumHashes).map(\.key)
        guard !due.isEmpty else { return schedule(now) }
        for hash in due {
            let isFirst = hashes[hash]?.last == nil
            hashes[hash] = Schedule(next: now + (isFirst ? Self.shortest : Self.interval), last: now)
        }
        lastDatagram = now
        return [.announce(LocalAnnouncement(port: listenPort, hashes: due, cookie: cookie))] + schedule(now)
    }

    private func schedule(_ now: Duration) -> [Action] {
        guard let next = hashes.values.map(\.next).min() else { return [] }
        let earliest = lastDatagram.map { $0 + Self.spacing } ?? now
        return [.wake(at: max(next, earliest, now))]
    }
}
