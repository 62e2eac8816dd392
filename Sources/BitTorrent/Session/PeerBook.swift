// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The addresses at which peers may be found, and when to try each again.
///
/// Memory: at most ``PeerBook/capacity`` entries of about 80 bytes and as many bans; the oldest idle entry makes room.
struct PeerBook {
    static let capacity = 2000
    static let firstRetry = Duration.milliseconds(500)
    static let longestRetry = Duration.seconds(300)
    /// How soon an address is tried again that was just seen to be alive.
    static let freshRetry = Duration.seconds(2)
    /// Failures in a row after which an address is forgotten, unless the user gave it.
    static let patience = 8
    /// Bans of one local address after which nobody is let in from it for a while: its ports and ids cost nothing.
    static let localPatience = 4
    static let suspension = Duration.seconds(600)

    struct Entry {
        var failures = 0
        var nextAttempt: Duration
        var isConnected = false
        /// Where it was first heard of; the user's word replaces any other.
        var source: PeerSource
        var order: UInt64
        /// When the last connection or attempt ended.
        var endedAt: Duration?

        /// Given by the user: tried for ever, at least every 15 seconds.
        var isExplicit: Bool { source == .user }
    }

    private struct Strikes {
        var count = 0
        var end = Duration.zero
    }

    private(set) var entries: [Endpoint: Entry] = [:] { didSet { isEarliestKnown = false } }
    private var banned: Set<Endpoint> = []
    private var bannedIDs: Set<Digest160> = []
    private var bannedAddresses: Set<IPAddress> = []
    private var strikes: [IPAddress: Strikes] = [:]
    /// Looked up with every input of the session, so it is kept.
    private var earliest: Duration?
    private var isEarliestKnown = true
    private var nextOrder: UInt64 = 0

    /// `isAlive`: it has just answered elsewhere: earlier failures count no more.
    mutating func add(_ endpoint: Endpoint, source: PeerSource, isAlive: Bool = false, now: Duration) {
        guard endpoint.port != 0 else { return }
        if entries[endpoint] != nil { return renew(endpoint, source: source, isAlive: isAlive, now: now) }
        if entries.count >= Self.capacity {
            let idle = entries.filter { !$0.value.isConnected && !$0.value.isExplicit }
            guard let oldest = idle.min(by: { $0.value.order < $1.value.order }) else { return }
            entries[oldest.key] = nil
        }
        nextOrder += 1
        entries[endpoint] = Entry(nextAttempt: now, source: source, order: nextOrder)
    }

    private mutating func renew(_ endpoint: Endpoint, source: PeerSource, isAlive: Bool, now: Duration) {
        guard var entry = entries[endpoint] else { return }
        let isNewlyExplicit = source == .user && !entry.isExplicit
        if isNewlyExplicit { entry.source = .user }
        if isAlive || isNewlyExplicit, !entry.isConnected, let endedAt = entry.endedAt {
            entry.nextAttempt = min(entry.nextAttempt, max(now, endedAt + Self.freshRetry))
        }
        entries[endpoint] = entry
    }

    /// The next address to dial, now marked as in use.
    mutating func takeDue(now: Duration) -> Endpoint? {
        guard let earliest = nextAttempt(), earliest <= now else { return nil }
        let due = entries.filter { !$0.value.isConnected && $0.value.nextAttempt <= now && !isBanned($0.key) }
        guard let next = due.min(by: { ($0.value.failures, $0.value.order) < ($1.value.failures, $1.value.order) })
        else { return nil }
        entries[next.key]?.isConnected = true
        return next.key
    }

    /// When the next address is due.
    mutating func nextAttempt() -> Duration? {
        if !isEarliestKnown {
            var soonest: Duration?
            for (endpoint, entry) in entries where !entry.isConnected && !isBanned(endpoint) {
                soonest = min(soonest ?? entry.nextAttempt, entry.nextAttempt)
            }
            earliest = soonest
            isEarliestKnown = true
        }
        return earliest
    }

    /// A connection to the address ended; `wasUseful` when a handshake had been completed.
    mutating func ended(_ endpoint: Endpoint, wasUseful: Bool, now: Duration) {
        guard var entry = entries[endpoint] else { return }
        entry.isConnected = false
        entry.endedAt = now
        entry.failures = wasUseful ? 1 : entry.failures + 1
        guard entry.isExplicit || entry.failures <= Self.patience else {
            entries[endpoint] = nil
            return
        }
        let limit = entry.isExplicit ? Duration.seconds(15) : Self.longestRetry
        entry.nextAttempt = now + min(limit, Self.firstRetry * (1 << min(entry.failures - 1, 12)))
        entries[endpoint] = entry
    }

    mutating func forget(_ endpoint: Endpoint) { entries[endpoint] = nil }

    /// Refuses the peer from now on: the whole address if it is a public one, since ports cost nothing; on a local one,
    /// where many may share it, the port and the peer id, and all who come from it once that has happened too often.
    mutating func ban(_ endpoint: Endpoint, _ id: Digest160? = nil, now: Duration) {
        entries[endpoint] = nil
        if endpoint.address.isLocal {
            if banned.count < Self.capacity { banned.insert(endpoint) }
            if let id, bannedIDs.count < Self.capacity { bannedIDs.insert(id) }
            strike(endpoint.address, now)
        } else if bannedAddresses.count < Self.capacity {
            bannedAddresses.insert(endpoint.address)
        }
    }

    private mutating func strike(_ address: IPAddress, _ now: Duration) {
        guard strikes[address] != nil || strikes.count < Self.capacity else { return }
        strikes[address, default: Strikes()].count += 1
        strikes[address]?.end = now + Self.suspension
    }

    /// Whether a connection from there is to be turned away.
    func refuses(incoming endpoint: Endpoint, now: Duration) -> Bool {
        if isBanned(endpoint) { return true }
        guard let strikes = strikes[endpoint.address], strikes.count >= Self.localPatience else { return false }
        return now < strikes.end
    }

    func isBanned(id: Digest160) -> Bool { bannedIDs.contains(id) }

    func isBanned(_ endpoint: Endpoint) -> Bool {
        banned.contains(endpoint) || bannedAddresses.contains(endpoint.address)
    }
}
