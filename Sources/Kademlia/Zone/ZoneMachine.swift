// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import OrderedCollections
internal import Wire

/// Spreads peer records through a zone, and brings those that are missing (`docs/protocols/zone-announcement.md`).
///
/// News goes as digests to some partners, who ask for the records they lack and tell others; besides, each node compares what it
/// holds with a partner's from time to time. Records only come as answers to questions of ours, or with their own issuer's word.
///
///     own record signed ──▶ told whole to 2 × fan-out partners ──▶ they tell its digest ──▶ …
///     digest heard ──▶ wanted ──▶ asked of who told ──▶ verified ──▶ held, and told where it was news
///     every 30 s ──▶ sums compared with one partner ──▶ digests of what differs ──▶ wanted
///
/// Memory: the register's, and ``maximumPartners``, ``maximumWanted`` and ``maximumHot`` small entries. One input causes at most
/// 2 × fan-out + ``maximumAsked`` questions.
struct ZoneMachine {
    enum Action: Equatable {
        case ask(ZoneQuery, Endpoint)
        case sign(PeerRecordRequest)
    }

    struct Partner {
        /// What it wants to see, and until when.
        var token: (bytes: [UInt8], until: Instant)?
        /// Asked nothing until then: it does not know these questions, or was silent, or gave what it should not have.
        var rests: Instant?
        var nextRest = Duration.seconds(10)
        /// Questions in a row for what it told of that brought nothing.
        var misses = 0
    }

    struct Want {
        var sequence: UInt64
        /// Who told of it, at most three.
        var sources: [Endpoint]
        var asked: Endpoint?
    }

    static let maximumPartners = 512
    static let maximumWanted = 512
    /// Of those whom one partner told of first.
    static let maximumWantedOfPartner = 128
    /// After so many in a row a partner that has nothing of what it told is left alone.
    static let maximumMisses = 3
    static let maximumHot = 256
    /// Questions for records under way at once.
    static let maximumAsked = 16
    /// Who was silent is asked again after at most so long: two halves of a zone that were apart for hours are to meet soon after,
    /// and whom the table takes for dead is not asked anyway.
    static let longestRestOfSilent = Duration.seconds(300)
    /// Who does not know these questions hears none for so long; then for twice as long, up to a day.
    static let restOfStrangers = Duration.seconds(3600)

    let configuration: ZoneConfiguration
    let tag: UInt64
    var register: ZoneRegister
    var partners: OrderedDictionary<Endpoint, Partner> = [:]
    var wanted: OrderedDictionary<UInt64, Want> = [:]
    /// Whom records were asked of.
    var asked: Set<Endpoint> = []
    /// What is to be told, and how many times yet.
    var hot: OrderedDictionary<UInt64, Int> = [:]
    var verifying: RateLimiter<Int>
    var asking: RateLimiter<Int>
    /// Seconds since 1970 at our time zero.
    var wallAtZero: Duration?
    var own: PeerRecord?
    /// What the next record of ours must exceed.
    var ownFloor: UInt64 = 0
    /// How often ours is still told whole.
    var ownTells = 0
    var nextOwn: Instant
    var nextTell: Instant?
    var nextOwnTell: Instant?
    var nextComparison: Instant
    /// Comparisons that begin with others than the usual one, while we know little.
    var openings = 6
    var retry: Instant?
    var counts = ZoneCounts()

    init(_ configuration: ZoneConfiguration, now: Instant) {
        self.configuration = configuration
        tag = configuration.tag
        register = ZoneRegister(capacity: configuration.maximumRecords)
        verifying = RateLimiter(
            perSecond: configuration.verifications,
            burst: Double(configuration.maximumRecords / 2) + 100
        )
        asking = RateLimiter(perSecond: configuration.queries, burst: configuration.queryBurst)
        nextOwn = now
        nextComparison = now
    }

    /// When ``tick(now:contacts:endpoints:using:)`` is due.
    var next: Instant {
        [nextTell, nextOwnTell, register.earliest, retry].compactMap { $0 }.reduce(min(nextOwn, nextComparison)) {
            min($0, $1)
        }
    }

    /// Between two records of ours: longer in large zones, so that all of them together stay few.
    var refresh: Duration {
        let bounds = ZoneSpecification.refreshes
        return min(max(ZoneSpecification.refreshOfEach * register.entries.count, bounds.lowerBound), bounds.upperBound)
    }

    // MARK: - Time

    /// `contacts`: nodes that the table knows to answer. `endpoints`: where others reach us.
    mutating func tick(
        now: Instant,
        contacts: [Endpoint],
        endpoints: [Endpoint],
        using generator: inout SecretGenerator
    ) -> [Action] {
        var actions: [Action] = []
        register.expire(now: now)
        if nextOwn <= now {
            // Where nobody signs, it is asked for again.
            nextOwn = now + (endpoints.isEmpty ? .milliseconds(500) : ZoneSpecification.minimumInterval)
            let life = refresh * ZoneSpecification.refreshesOfLife
            let request = PeerRecordRequest(
                above: ownFloor,
                endpoints: endpoints,
                life: UInt64(clamping: life.components.seconds)
            )
            actions.append(.sign(request))
        } else if let own, !own.isWithdrawn, !endpoints.isEmpty, own.endpoints != endpoints {
            nextOwn = min(nextOwn, now + ZoneSpecification.minimumInterval)
        }
        let willing = contacts.filter { !rests($0, now: now) }
        if let time = nextOwnTell, time <= now {
            nextOwnTell = nil
            actions += tellOwn(willing, now: now, using: &generator)
        }
        if let time = nextTell, time <= now {
            nextTell = nil
            actions += tellNews(willing, now: now, using: &generator)
        }
        if nextComparison <= now {
            leaveUnanswered(now: now)
            actions += compare(willing, now: now, using: &generator)
        }
        if let time = retry, time <= now { retry = nil }
        return actions + askForWanted(now: now)
    }

    func rests(_ endpoint: Endpoint, now: Instant) -> Bool { partners[endpoint]?.rests.map { $0 > now } ?? false }

    /// Until when that partner is left alone.
    func restOf(_ endpoint: Endpoint) -> Instant? { partners[endpoint]?.rests }

    /// What only those told of who are left alone for a while is not wanted any more.
    private mutating func leaveUnanswered(now: Instant) {
        let soon = now + .seconds(2)
        wanted = wanted.filter { $0.value.asked != nil || $0.value.sources.contains { !rests($0, now: soon) } }
    }

    func chosen(_ count: Int, of willing: [Endpoint], using generator: inout SecretGenerator) -> [Endpoint] {
        guard willing.count > count else { return willing }
        var rest = willing
        return (0..<count).map { _ in rest.remove(at: Int.random(in: 0..<rest.count, using: &generator)) }
    }

    private mutating func tellOwn(
        _ willing: [Endpoint],
        now: Instant,
        using generator: inout SecretGenerator
    ) -> [Action] {
        guard let entry = own.flatMap({ register.entries[$0.zoneID] }) else { return [] }
        guard !willing.isEmpty else {
            nextOwnTell = now + .seconds(1)
            return []
        }
        ownTells -= 1
        if ownTells > 0 { nextOwnTell = now + ZoneSpecification.patience * (4 - ownTells) }
        let digest = ZoneDigest(id: entry.record.zoneID, sequence: entry.record.sequence)
        let item = register.item(entry, now: now)
        return chosen(configuration.fanout * 2, of: willing, using: &generator)
            .map { .ask(query(.tell([digest], own: item, back: []), to: $0, now: now), $0) }
    }

    private mutating func tellNews(
        _ willing: [Endpoint],
        now: Instant,
        using generator: inout SecretGenerator
    ) -> [Action] {
        guard !hot.isEmpty else { return [] }
        guard !willing.isEmpty else {
            nextTell = now + .seconds(1)
            return []
        }
        let told = Array(hot.elements.suffix(ZoneSpecification.maximumDigests))
        hot.removeLast(told.count)
        if !hot.isEmpty { nextTell = now + ZoneSpecification.urgency }
        for (id, times) in told where times > 1 {
            hot.updateValue(times - 1, forKey: id, insertingAt: 0)
            nextTell = nextTell ?? now + ZoneSpecification.patience
        }
        let digests = told.compactMap { id, _ in
            register.entries[id].map { ZoneDigest(id: id, sequence: $0.record.sequence) }
        }
        guard !digests.isEmpty else { return [] }
        return chosen(configuration.fanout, of: willing, using: &generator)
            .map { .ask(query(.tell(digests, own: nil, back: []), to: $0, now: now), $0) }
    }

    func query(_ kind: ZoneQuery.Kind, to partner: Endpoint, now: Instant) -> ZoneQuery {
        let token = partners[partner]?.token
        return ZoneQuery(tag: tag, token: token.flatMap { $0.until > now ? $0.bytes : nil }, kind: kind)
    }

    // MARK: - Our own record

    /// The answer to ``Action/sign(_:)``: nil where there is nothing to announce yet. `wall`: seconds since 1970.
    mutating func announce(_ record: PeerRecord?, wall: UInt64, now: Instant) {
        wallAtZero = .seconds(Int64(clamping: wall)) - now
        guard let record, record.network == configuration.network, record.sequence > ownFloor else { return }
        let isNew = own?.addresses != record.addresses
        ownFloor = record.sequence
        own = record
        if register.admit(record, age: .zero, isOwn: true, now: now) == .old {
            // An earlier run of ours, whose clock was ahead.
            ownFloor = register.sequence(of: record.zoneID) ?? ownFloor
            nextOwn = now
            return
        }
        nextOwn = now + (record.isWithdrawn ? .seconds(86_400) : refresh)
        ownTells = isNew && !record.isWithdrawn ? 3 : 1
        nextOwnTell = now
    }
}

/// What the zone has cost and brought; grows for ever.
public struct ZoneCounts: Equatable, Sendable {
    /// Datagrams of the zone sent, and their bytes.
    public var sent = 0
    public var sentBytes = 0
    /// Questions and answers of the zone received.
    public var received = 0
    /// Records that were taken, and those that were not: forged, out of date, of other networks, without room.
    public var admitted = 0
    public var refused = 0
}
