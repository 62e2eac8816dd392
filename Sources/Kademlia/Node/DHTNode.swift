// SPDX-License-Identifier: Apache-2.0
internal import Keys
public import Wire

/// One node of a DHT: answers others, keeps a table of them, looks things up and leaves things with them
/// (BEP 5, 32, 42, 43, 44).
///
/// Performs no I/O and reads no clock. The driver passes datagrams, time and commands in and carries out the actions in
/// order. A node that idles needs about 10 kB; what others can make it keep is bounded by ``DHTConfiguration``.
/// One input causes at most α + k datagrams for each operation at work, and one wake.
public struct DHTNode: ~Copyable {
    /// What the driver is to do, in this order.
    public enum Action: Equatable, Sendable {
        case send([UInt8], to: Endpoint)
        /// Call ``tick(now:)`` at this time; replaces any earlier wake.
        case wake(at: Instant)
        case progress(CommandID, DHTProgress)
        case finished(CommandID, DHTOutcome)
        case event(DHTEvent)
    }

    /// A query of ours without an answer yet.
    struct Pending {
        enum Purpose: Equatable {
            case lookup(UInt64)
            case store(UInt64)
            case ping
            case zone(ZoneQuery)
        }
        enum Stage {
            case asked
            case slow
            case overdue
        }
        let endpoint: Endpoint
        /// Nil for an entrance.
        let id: NodeID?
        let purpose: Purpose
        let sent: Instant
        var stage = Stage.asked
    }

    enum Chore: Sendable {
        case query(UInt32)
        case advance(UInt64)
        case join
        case maintenance
        case publications
        case zone
    }

    /// A query is forgotten after this long; an answer until then still helps table and lookup.
    static let queryLifetime = Duration.seconds(5)
    static let maintenanceInterval = Duration.seconds(10)

    var configuration: DHTConfiguration
    /// By ``AddressFamily``: the same in both until the addresses ask for different ones; see ``id(_:)``.
    var ids: [NodeID]
    var generator: SecretGenerator
    /// By ``AddressFamily``.
    var tables: [RoutingTable]
    var tokens: WriteTokens
    var peers: PeerStore
    var items: ItemStore
    var floors: SequenceFloor
    var schedule: PublicationSchedule
    /// Our own announces, by torrent.
    var ownPeers: [Digest160: UInt16] = [:]
    /// Torrents of our announces that we have all of (BEP 33); as many as there are announces at most.
    var ownSeeds: Set<Digest160> = []
    /// Looks through a table for an answer, with memory of its own.
    var found = ClosestNodes()
    /// What `sample_infohashes` answers until it is drawn anew.
    var sample: (infoHashes: [Digest160], drawn: Instant)?
    /// Spreads choices that need not be unpredictable; see ``visitPeers(of:for:besides:now:_:)``.
    var spread: UInt64 = 0
    /// Who was asked back lately because it asked us, and when; see ``meet(_:now:)``.
    var askedBack: [Endpoint: Instant] = [:]

    var operations: [UInt64: Operation] = [:]
    var commands: [CommandID: UInt64] = [:]
    var nextOperation: UInt64 = 0
    var pending: [UInt32: Pending] = [:]
    var deadlines = Agenda<Chore>()
    var wake: Instant?
    var actions: [Action] = []

    var roundTrip = RoundTripEstimate()
    var lastReceived = Instant.zero
    /// When a query of ours was answered last.
    var lastAnswered = Instant.zero
    /// A listed node that had stopped answering has answered since the last check.
    var hasNews = false
    /// Nodes that left us waiting lately, and until when lookups pass them over.
    var silent: [Endpoint: Instant] = [:]
    var incoming: RateLimiter<IPAddress>
    var unproven: RateLimiter<IPAddress>
    var outgoing: RateLimiter<Int>
    var pace: RateLimiter<Endpoint>
    var republishing: RateLimiter<Int>

    /// Addresses to begin with; see ``join(through:areRouters:now:)``.
    var entrances: [Endpoint] = []
    var routers: Set<Endpoint> = []
    /// Nodes of an earlier run, asked first.
    var remembered: [Contact] = []
    var joinDelay = Duration.seconds(1)
    var isJoining = false
    /// The ids that the join under way looks around, and whether another is to follow for one taken since.
    var joinTargets: [NodeID] = []
    var joinsAgain = false
    /// Searches of that join under way.
    var joinSearches = 0
    var nextJoin: Instant?
    var nextPublications: Instant?
    var isHastening = false
    /// Zone-wide announcement, where it is on.
    var zone: ZoneMachine?
    var nextZone: Instant?
    var reachability = Reachability()
    var addressVotes: [IPAddress: Set<IPAddress>] = [:]
    /// What others say our addresses are, by ``AddressFamily``.
    var confirmedAddresses: [IPAddress?] = AddressFamily.allCases.map { _ in nil }
    /// How others are heard in each family, by ``AddressFamily``.
    var hearing = AddressFamily.allCases.map { _ in FamilyHearing() }

    /// Without an `id` one is drawn; and one for each family whose public address is known
    /// (``DHTConfiguration/localAddresses``) and has no place for it (BEP 42). `id6`: that of the IPv6 network where it is
    /// another. `seed` is 32 random bytes, all of the node's randomness.
    public init(
        id: NodeID? = nil,
        id6: NodeID? = nil,
        configuration: DHTConfiguration = DHTConfiguration(),
        seed: [UInt8],
        now: Instant
    ) {
        self.configuration = configuration
        generator = SecretGenerator(seed: seed)
        ids = Self.drawIDs(id, id6, configuration, &generator)
        tables = ids.map { id in
            var table = RoutingTable(ownID: id, bucketSize: configuration.bucketSize, now: now)
            table.without = configuration.without
            return table
        }
        tokens = WriteTokens(secret: generator.bytes(16), now: now)
        peers = PeerStore(
            infoHashes: configuration.maximumInfoHashes,
            peersEach: configuration.maximumPeersEach,
            total: configuration.maximumPeers
        )
        items = ItemStore(capacity: configuration.maximumItems)
        floors = SequenceFloor(capacity: configuration.maximumFloors)
        schedule = PublicationSchedule(capacity: configuration.maximumPublications)
        incoming = RateLimiter(perSecond: configuration.queriesPerPrefix, burst: configuration.queryBurstPerPrefix)
        unproven = RateLimiter(perSecond: configuration.unprovenBytes, burst: configuration.unprovenBytesBurst)
        outgoing = RateLimiter(perSecond: configuration.outgoingQueries, burst: configuration.outgoingBurst)
        pace = RateLimiter(
            perSecond: configuration.queriesPerDestination,
            burst: configuration.queryBurstPerDestination
        )
        republishing = RateLimiter(perSecond: configuration.republications, burst: configuration.republicationBurst)
        deadlines.plan(.maintenance, at: now + Self.maintenanceInterval)
        zone = configuration.zone.map { ZoneMachine($0, now: now) }
        planZone()
    }

    /// How many nodes the tables list.
    public var nodeCount: Int { tables.reduce(0) { $0 + $1.count } }
    /// Items of others and of ours that are kept here.
    public var itemCount: Int { items.count }
    /// Peers that others announced here.
    public var peerCount: Int { peers.count }
    /// Proofs that somebody signed two values under one number; see ``ItemStore``.
    public var conflicts: [ItemConflict] { items.conflicts }

    /// Whether a stranger has asked us something in the last half hour: queries get through to us unasked.
    public func isReachable(now: Instant) -> Bool { reachability.holds(now: now) }

    func isDenied(_ publication: Publication) -> Bool {
        if case .mutable(let item) = publication { return isDenied(item.key, item.target) }
        return isDenied(publication.target)
    }

    func isDenied(_ target: NodeID) -> Bool { configuration.refuses(target) }

    /// Also where the rule names the site whose key it is.
    func isDenied(_ key: PublicKey, _ target: NodeID) -> Bool {
        configuration.refuses(target) || configuration.refuses(key.identifier.truncated)
    }

    /// A copy of the nodes known in one family.
    public func table(_ family: AddressFamily) -> RoutingTable { tables[family.rawValue] }

    /// Ends an input: all actions, and a wake if the next one has changed.
    mutating func flush() -> [Action] {
        while let next = deadlines.next?.chore, isStale(next) { deadlines.removeNext() }
        if let next = deadlines.next?.time, next != wake {
            wake = next
            actions.append(.wake(at: next))
        }
        let taken = actions
        actions = []
        return taken
    }

    private func isStale(_ chore: Chore) -> Bool {
        switch chore {
        case .query(let transaction): pending[transaction] == nil
        case .advance(let operation): operations[operation] == nil
        case .join, .maintenance, .publications, .zone: false
        }
    }
}

extension SecretGenerator {
    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &self) }
    }
}
