// SPDX-License-Identifier: Apache-2.0
public import Wire

extension DHTNode {
    /// A datagram from the network, whatever it holds.
    public mutating func receive(_ datagram: [UInt8], from source: Endpoint, now: Instant) -> [Action] {
        guard source.isReachable, configuration.families.contains(source.family),
            let message = try? KRPCMessage(parsing: datagram)
        else { return [] }
        lastReceived = now
        switch message.body {
        case .query(let query): receive(query, message, from: source, now: now)
        case .malformedQuery(let fault):
            guard admits(source, now: now) else { break }
            answer(message, with: .fault(fault), to: source)
        case .response(let response): receive(response, message, from: source, now: now)
        case .fault(let fault): receive(fault, message, from: source, now: now)
        }
        return flush()
    }

    /// To be called at the time of the last ``Action/wake(at:)``; earlier or later does no harm.
    public mutating func tick(now: Instant) -> [Action] {
        wake = nil
        while let next = deadlines.next, next.time <= now {
            deadlines.removeNext()
            switch next.chore {
            case .query(let transaction): waited(transaction, now: now)
            case .advance(let operation): advance(operation, now: now)
            case .join: if nextJoin == next.time { join(now: now) }
            case .maintenance: maintain(now: now)
            case .publications: if nextPublications == next.time { publishDue(now: now) }
            case .zone: if nextZone == next.time { tickZone(now: now) }
            }
        }
        return flush()
    }

    // MARK: - Our queries

    /// Sends a query and waits for its answer.
    mutating func ask(
        _ method: KRPCQuery.Method,
        _ endpoint: Endpoint,
        id expected: NodeID?,
        _ purpose: Pending.Purpose,
        now: Instant
    ) {
        var transaction = UInt32.random(in: .min ... .max, using: &generator)
        while pending[transaction] != nil { transaction &+= 1 }
        var query = KRPCQuery(sender: self.id(endpoint.family), method: method)
        // BEP 32 "Bootstrapping": both families only where one of them knows hardly anybody.
        if configuration.families.count > 1, AddressFamily.allCases.contains(where: { isWanted($0, now: now) }) {
            query.want = configuration.families
        }
        var bytes: [UInt8] = []
        bytes.append(bigEndian: transaction)
        var message = KRPCMessage(transaction: bytes, body: .query(query))
        message.isReadOnly = configuration.isReadOnly
        message.version = configuration.version
        pending[transaction] = Pending(
            endpoint: endpoint,
            id: expected,
            purpose: purpose,
            sent: now
        )
        let short = estimate(for: expected, endpoint).short
        deadlines.plan(.query(transaction), at: now + min(short, Self.firstLook))
        reachability.wrote(to: endpoint, now: now)
        let datagram = message.encoded
        if case .zone = purpose { zone?.sent(datagram.count) }
        actions.append(.send(datagram, to: endpoint))
    }

    private func isWanted(_ family: AddressFamily, now: Instant) -> Bool {
        tables[family.rawValue].count < configuration.bucketSize && !hearing[family.rawValue].isDeaf(now: now)
    }

    /// When a query may be sent to `endpoint`: nil for now, and then it counts as sent.
    mutating func permit(_ endpoint: Endpoint, now: Instant) -> Instant? {
        guard !endpoint.address.isLoopback else { return nil }
        guard pace.take(endpoint, now: now) else { return pace.nextPermit(endpoint, now: now) }
        guard !endpoint.address.isLocal else { return nil }
        guard outgoing.take(0, now: now) else { return outgoing.nextPermit(0, now: now) }
        return nil
    }

    /// What is known of the node's own answers, or else of everybody's.
    private func estimate(for id: NodeID?, _ endpoint: Endpoint) -> RoundTripEstimate {
        guard let id, let entry = tables[endpoint.family.rawValue].entry(id), entry.contact.endpoint == endpoint,
            entry.roundTrip.hasSamples
        else { return roundTrip }
        return entry.roundTrip
    }

    /// What others answer meanwhile tells how long this one may take: the limits are looked at anew each time.
    private static var firstLook: Duration { .milliseconds(150) }

    /// A query's next time-out: slow, then overdue, then forgotten.
    private mutating func waited(_ transaction: UInt32, now: Instant) {
        guard var query = pending[transaction] else { return }
        let estimate = estimate(for: query.id, query.endpoint)
        switch query.stage {
        case .asked where now < query.sent + estimate.short:
            deadlines.plan(.query(transaction), at: query.sent + estimate.short)
            return
        case .asked:
            query.stage = .slow
            let patience = max(estimate.patience, configuration.leastPatience)
            deadlines.plan(.query(transaction), at: max(now, query.sent + patience))
        case .slow:
            query.stage = .overdue
            deadlines.plan(.query(transaction), at: query.sent + Self.queryLifetime)
            // Who does not know a zone's questions may be silent, and is none the worse a node.
            if query.isOfZone { break }
            passOver(query.endpoint, for: .seconds(30), since: query.sent, now: now)
            let family = query.endpoint.family.rawValue
            hearing[family].wasUnanswered(knowsNobody: tables[family].count == 0, now: now)
        case .overdue:
            pending[transaction] = nil
            unanswered(query, now: now)
            return
        }
        pending[transaction] = query
        report(query, now: now)
    }

    private mutating func report(_ query: Pending, now: Instant) {
        switch query.purpose {
        case .ping: break
        case .zone(let question):
            guard query.stage == .overdue else { break }
            failedZone(question, at: query.endpoint, now: now)
        case .lookup(let operation):
            for index in operations[operation]?.lookups.indices ?? 0..<0 {
                switch query.stage {
                case .slow: operations[operation]?.lookups[index].slow(query.endpoint)
                case .overdue: operations[operation]?.lookups[index].overdue(query.endpoint)
                case .asked: break
                }
            }
            advance(operation, now: now)
        case .store(let operation):
            guard query.stage == .overdue else { break }
            operations[operation]?.attempts[query.endpoint] = .silent
            advance(operation, now: now)
        }
    }

    /// Blames the node only if others were heard since: silence all around is our own.
    private mutating func unanswered(_ query: Pending, now: Instant) {
        guard lastReceived > query.sent, !query.isOfZone else { return }
        passOver(query.endpoint, for: .seconds(120), since: query.sent, now: now)
        if let id = query.id,
            tables[query.endpoint.family.rawValue].failed(Contact(id: id, endpoint: query.endpoint), now: now),
            schedule.lost(id, now: now)
        {
            planPublications(now: now)
        }
    }

    private mutating func passOver(_ endpoint: Endpoint, for time: Duration, since sent: Instant, now: Instant) {
        guard lastReceived > sent else { return }
        if silent.count >= Self.maximumSilent { silent = silent.filter { $0.value > now } }
        if silent.count >= Self.maximumSilent { silent = [:] }
        silent[endpoint] = now + time
    }

    private static var maximumSilent: Int { 1024 }
}
