// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The addresses at which peers may be found, and when to try each again.
///
/// Memory: at most ``PeerBook/capacity`` entries of about 100 bytes and as many bans; the least trusted idle entry makes room,
/// the oldest first. Of what peers told us (BEP 11) at most half of that, and ``maximumPerTeller`` from one connection.
struct PeerBook {
    static let capacity = 2000
    static let maximumTold = capacity / 2
    static let maximumPerTeller = 100
    static let firstRetry = Duration.milliseconds(500)
    static let longestRetry = Duration.seconds(300)
    /// How soon an address is tried again that was just seen to be alive.
    static let freshRetry = Duration.seconds(2)
    /// An address that a connected peer has besides is not tried before.
    static let alternativeDelay = Duration.seconds(300)
    /// Failures in a row after which an address is forgotten, unless the user gave it.
    static let patience = 8
    /// Bans of one local address after which nobody is let in from it for a while: its ports and ids cost nothing.
    static let localPatience = 4
    static let suspension = Duration.seconds(600)

    struct Entry {
        var failures = 0
        var nextAttempt: Duration
        var isConnected = false
        /// The best that has said so.
        var source: PeerSource
        /// The connection that told us, until the address has proven itself.
        var teller: ConnectionID?
        var flags: PeerExchangeMessage.Flags = []
        /// BEP 40.
        var priority: UInt32
        var order: UInt64
        /// When the last connection or attempt ended.
        var endedAt: Duration?
        /// The last connection ended when neither side wanted anything: dialled again when we want something.
        var isResting = false
        /// It has said, in a protocol of ours, that it holds everything; until a connection to it fails.
        var holdsAll = false

        /// Given by the user: tried for ever, at least every 15 seconds.
        var isExplicit: Bool { source == .user }
    }

    private struct Strikes {
        var count = 0
        var end = Duration.zero
    }

    private(set) var entries: [Endpoint: Entry] = [:] { didSet { isEarliestKnown = false } }
    /// How we are reached over IPv4 and IPv6, where that is known: canonical priorities follow from it.
    var own: [Endpoint?] = [nil, nil] { didSet { reconsiderPriorities() } }
    private var banned: Set<Endpoint> = []
    private var bannedIDs: Set<Digest160> = []
    private var bannedAddresses: Set<IPAddress> = []
    private var strikes: [IPAddress: Strikes] = [:]
    /// Looked up with every input of the session, so it is kept.
    private var earliest: Duration?
    private var isEarliestKnown = true
    private var nextOrder: UInt64 = 0

    /// For ``PeerExchangeTrial``: what peers tell is not bounded.
    var isTrusting = false

    /// Everything that is refused.
    var banCount: Int { banned.count + bannedAddresses.count }

    // MARK: Hearing of addresses

    /// `isAlive`: it has just answered elsewhere: earlier failures count no more.
    mutating func add(
        _ endpoint: Endpoint,
        source: PeerSource,
        isAlive: Bool = false,
        teller: ConnectionID? = nil,
        flags: PeerExchangeMessage.Flags = [],
        now: Duration
    ) {
        guard endpoint.port != 0 else { return }
        if entries[endpoint] != nil { return renew(endpoint, source: source, isAlive: isAlive, now: now) }
        guard teller == nil || isTrusting || hasRoom(forAddressOf: endpoint, from: teller), makeRoom(for: source) else {
            return
        }
        nextOrder += 1
        entries[endpoint] = Entry(
            nextAttempt: now,
            source: source,
            teller: teller,
            flags: flags,
            priority: priority(of: endpoint),
            order: nextOrder
        )
    }

    private mutating func renew(_ endpoint: Endpoint, source: PeerSource, isAlive: Bool, now: Duration) {
        guard var entry = entries[endpoint] else { return }
        let isNewlyExplicit = source == .user && !entry.isExplicit
        if source.trust > entry.source.trust { entry.source = source }
        if isAlive || isNewlyExplicit, !entry.isConnected, let endedAt = entry.endedAt {
            entry.nextAttempt = min(entry.nextAttempt, max(now, endedAt + Self.freshRetry))
        }
        entries[endpoint] = entry
    }

    /// Another address of a peer that we are connected to.
    mutating func addAlternative(_ endpoint: Endpoint, to known: Endpoint, teller: ConnectionID, now: Duration) {
        guard entries[endpoint] == nil else { return }
        add(endpoint, source: .pex, teller: teller, now: now)
        entries[endpoint]?.nextAttempt = now + Self.alternativeDelay
    }

    /// The torrent has turned out to be private: what may not be used for such is forgotten (BEP 27).
    mutating func keepForPrivateTorrent() { entries = entries.filter { $0.value.source.isForPrivateTorrents } }

    /// It has just said elsewhere that it holds everything, in a way that only those who speak as we do have.
    mutating func expectAll(of endpoint: Endpoint) { entries[endpoint]?.holdsAll = true }

    /// The peer that told us of the address says that it is gone.
    mutating func dropped(_ endpoint: Endpoint, by teller: ConnectionID) {
        guard let entry = entries[endpoint], entry.teller == teller, !entry.isConnected, entry.source == .pex else {
            return
        }
        entries[endpoint] = nil
    }

    private func hasRoom(forAddressOf endpoint: Endpoint, from teller: ConnectionID?) -> Bool {
        var (told, fromTeller) = (0, 0)
        for (known, entry) in entries where entry.source == .pex {
            told += 1
            if entry.teller == teller { fromTeller += 1 }
            // Ports of one public host cost nothing (BEP 11 "Security Considerations").
            if !endpoint.address.isLocal, known.address.subscriber == endpoint.address.subscriber { return false }
        }
        return told < Self.maximumTold && fromTeller < Self.maximumPerTeller
    }

    private mutating func makeRoom(for source: PeerSource) -> Bool {
        guard entries.count >= Self.capacity else { return true }
        let idle = entries.filter { !$0.value.isConnected && !$0.value.isExplicit }
        let least = idle.min { ($0.value.source.trust, $0.value.order) < ($1.value.source.trust, $1.value.order) }
        guard let least, least.value.source.trust <= source.trust else { return false }
        entries[least.key] = nil
        return true
    }

    private mutating func reconsiderPriorities() {
        for endpoint in Array(entries.keys) {
            let priority = priority(of: endpoint)
            entries[endpoint]?.priority = priority
        }
    }

    /// BEP 40; 0 while we do not know how we are reached in the peer's family.
    func priority(of endpoint: Endpoint) -> UInt32 {
        own[endpoint.address.isV4 ? 0 : 1].map { PeerPriority.of($0, endpoint) } ?? 0
    }

    // MARK: Trying them

    /// The next address to dial, now marked as in use. Those that fail least come first, then the most trusted, then by
    /// canonical priority (BEP 40).
    ///
    /// `wantsSeeds`: without it, those that are said to be seeds are left out. `wantsNothing`: those that rest are left out.
    mutating func takeDue(now: Duration, wantsSeeds: Bool = true, wantsNothing: Bool = false) -> Endpoint? {
        guard let earliest = nextAttempt(), earliest <= now else { return nil }
        let due = entries.filter { endpoint, entry in
            !entry.isConnected && entry.nextAttempt <= now && !isBanned(endpoint)
                && (wantsSeeds || !entry.flags.contains(.uploadOnly)) && !(wantsNothing && entry.isResting)
        }
        guard let next = due.min(by: { Self.rank($0.value) < Self.rank($1.value) }) else { return nil }
        entries[next.key]?.isConnected = true
        entries[next.key]?.isResting = false
        return next.key
    }

    private static func rank(_ entry: Entry) -> (Int, Int, UInt32, UInt64) {
        (entry.failures, -entry.source.trust, ~entry.priority, entry.order)
    }

    /// The address is being dialled, for another reason than that it was due.
    mutating func taken(_ endpoint: Endpoint) { entries[endpoint]?.isConnected = true }

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
        if wasUseful { entry.teller = nil } else { entry.holdsAll = false }
        guard entry.isExplicit || entry.failures <= Self.patience else {
            entries[endpoint] = nil
            return
        }
        let limit = entry.isExplicit ? Duration.seconds(15) : Self.longestRetry
        entry.nextAttempt = now + min(limit, Self.firstRetry * (1 << min(entry.failures - 1, 12)))
        entries[endpoint] = entry
    }

    /// The connection to it ended when nobody wanted anything. `isSeeding`: we shall want nothing; then those of the user are
    /// tried on as before.
    mutating func rest(_ endpoint: Endpoint, isSeeding: Bool) {
        guard let entry = entries[endpoint], !(isSeeding && entry.isExplicit) else { return }
        entries[endpoint]?.isResting = true
    }

    /// It was not dialled after all, for reasons of ours.
    mutating func postponed(_ endpoint: Endpoint, now: Duration) {
        entries[endpoint]?.isConnected = false
        entries[endpoint]?.nextAttempt = now + Self.firstRetry * 2
    }

    mutating func forget(_ endpoint: Endpoint) { entries[endpoint] = nil }

    // MARK: Bans

    /// Refuses the peer from now on: the whole address if it is a public one, since ports cost nothing
    /// (and its neighbours in IPv6, see ``IPAddress/subscriber``); on a local one,
    /// where many may share it, the port and the peer id, and all who come from it once that has happened too often.
    mutating func ban(_ endpoint: Endpoint, _ id: Digest160? = nil, now: Duration) {
        entries[endpoint] = nil
        if endpoint.address.isLocal {
            if banned.count < Self.capacity { banned.insert(endpoint) }
            if let id, bannedIDs.count < Self.capacity { bannedIDs.insert(id) }
            strike(endpoint.address, now)
        } else if bannedAddresses.count < Self.capacity {
            bannedAddresses.insert(endpoint.address.subscriber)
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
        banned.contains(endpoint) || bannedAddresses.contains(endpoint.address.subscriber)
    }
}
