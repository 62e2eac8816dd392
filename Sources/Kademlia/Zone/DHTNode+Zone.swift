// SPDX-License-Identifier: Apache-2.0
public import Keys
internal import OrderedCollections
internal import Wire

/// Zone-wide announcement on a node's own port, as queries that other nodes of the zone know.
extension DHTNode {
    /// The records of all that are there as far as this node knows, its own among them, in no order; none where announcement is off.
    public func zoneRecords(now: Instant) -> [PeerRecord] {
        (zone?.register.entries.values).map { entries in
            entries.filter { $0.deadline > now && !$0.record.isWithdrawn }.map { $0.record }
        } ?? []
    }

    /// The record of one peer, where this node holds it.
    public func zoneRecord(of key: PublicKey, now: Instant) -> PeerRecord? {
        guard let entry = zone?.register.entries[key.identifier.leading], entry.record.issuer == key,
            entry.deadline > now, !entry.record.isWithdrawn
        else { return nil }
        return entry.record
    }

    /// What announcement has cost; nil where it is off.
    public var zoneCounts: ZoneCounts? { zone?.counts }

    /// The number of the newest record of our own that is known of, which the next must exceed; 0 where announcement is off.
    public var zoneSequence: UInt64 { zone?.ownFloor ?? 0 }

    /// The answer to ``DHTEvent/peerRecordDue(_:)``, and our parting word where the record has no address. `record` is nil
    /// where there is nothing to say yet. `wall`: seconds since 1970, by which records of others are judged.
    public mutating func announce(_ record: PeerRecord?, wall: UInt64, now: Instant) -> [Action] {
        guard zone != nil else { return [] }
        zone?.announce(record, wall: wall, now: now)
        tickZone(now: now)
        return flush()
    }

    // MARK: - Time

    mutating func tickZone(now: Instant) {
        nextZone = nil
        guard zone != nil else { return }
        let contacts = AddressFamily.allCases.filter { configuration.families.contains($0) }.flatMap { family in
            tables[family.rawValue].snapshot.joined().filter { !$0.isBad }.map { $0.contact.endpoint }
        }
        let endpoints = ownEndpoints
        let decided = zone?.tick(now: now, contacts: contacts, endpoints: endpoints, using: &generator)
        perform(decided ?? [], now: now)
    }

    /// Where others reach us, as far as that is known.
    private var ownEndpoints: [Endpoint] {
        AddressFamily.allCases.filter { configuration.families.contains($0) }.compactMap { family in
            guard let address = address(family), !address.isUnspecified, configuration.localPort != 0 else {
                return nil
            }
            return Endpoint(address, port: configuration.localPort)
        }
    }

    /// Only the soonest of several plans counts.
    mutating func planZone() {
        guard let next = zone?.next, nextZone.map({ next < $0 }) ?? true else { return }
        nextZone = next
        deadlines.plan(.zone, at: next)
    }

    private mutating func perform(_ decided: [ZoneMachine.Action], now: Instant) {
        for action in decided {
            switch action {
            case .sign(let request): actions.append(.event(.peerRecordDue(request)))
            case .ask(var query, let endpoint):
                if case .tell(let digests, let own, _) = query.kind {
                    query.kind = .tell(digests, own: own, back: tokens.token(for: endpoint.address))
                }
                guard pending.count < Self.maximumPendingOfZone, zone?.mayAsk(now: now) ?? false,
                    permit(endpoint, now: now) == nil
                else {
                    zone?.postponed(query, at: endpoint, now: now)
                    continue
                }
                ask(.zone(query), endpoint, id: nil, .zone(query), now: now)
            }
        }
        planZone()
    }

    /// Beyond so many queries without an answer the zone waits.
    private static var maximumPendingOfZone: Int { 512 }

    // MARK: - Messages

    /// What another node of the zone asks; nodes of no zone, or another, do not know the question.
    mutating func answer(
        _ question: ZoneQuery,
        in response: inout KRPCResponse,
        _ sender: Contact,
        now: Instant
    ) throws(KRPCFault) {
        let isProven = question.token.map { tokens.accepts($0, from: sender.endpoint.address) } ?? false
        let random = Int(UInt16.random(in: .min ... .max, using: &generator))
        guard question.tag == zone?.tag,
            let result = zone?.answer(question, from: sender.endpoint, isProven: isProven, random: random, now: now)
        else { throw .unknownMethod }
        response.zone = result.answer
        if !isProven { response.token = tokens.token(for: sender.endpoint.address) }
        perform(result.actions, now: now)
    }

    /// `answer` is nil where it was an error, or no answer of a zone's node.
    mutating func receive(
        _ answer: ZoneAnswer?,
        _ token: [UInt8]?,
        to question: ZoneQuery,
        from source: Endpoint,
        now: Instant
    ) {
        guard let answer else { return perform(zone?.refused(question, by: source, now: now) ?? [], now: now) }
        let decided = zone?.answered(question, with: answer, token: token, from: source, now: now)
        perform(decided ?? [], now: now)
    }

    mutating func failedZone(_ question: ZoneQuery, at source: Endpoint, now: Instant) {
        perform(zone?.failed(question, at: source, now: now) ?? [], now: now)
    }
}

extension DHTNode.Pending {
    var isOfZone: Bool {
        if case .zone = purpose { return true }
        return false
    }
}

extension ZoneMachine {
    mutating func sent(_ bytes: Int) {
        counts.sent += 1
        counts.sentBytes += bytes
    }

    /// Takes one of the zone's questions a second.
    mutating func mayAsk(now: Instant) -> Bool { asking.take(0, now: now) }

    func visitLoads(_ visit: (_ name: StaticString, _ used: Int, _ bound: Int) -> Void) {
        visit("zone records", register.entries.count, configuration.maximumRecords)
        visit("zone wants", wanted.count, Self.maximumWanted)
        visit("zone news", hot.count, Self.maximumHot)
        visit("zone partners", partners.count, Self.maximumPartners)
    }
}
