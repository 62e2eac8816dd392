// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import OrderedCollections
internal import Wire

/// What others ask and answer.
extension ZoneMachine {
    // MARK: - Questions of others

    /// The answer to a question; `isProven`: it came with a token that only its address has.
    mutating func answer(
        _ query: ZoneQuery,
        from source: Endpoint,
        isProven: Bool,
        random: Int,
        now: Instant
    ) -> (answer: ZoneAnswer, actions: [Action]) {
        counts.received += 1
        guard isProven else { return (ZoneAnswer(isActedOn: false), []) }
        var answer = ZoneAnswer(isActedOn: true)
        switch query.kind {
        case .tell(let digests, let item, let back):
            if !back.isEmpty { keep(back, of: source, now: now) }
            if let item, let first = digests.first, isNews(first) { take(item, now: now) }
            consider(digests, from: source, now: now)
        case .compare(let sums, let from):
            (answer.digests, answer.next) = register.differing(from: sums, beginning: from, random: random)
        case .get(let ids): answer.items = register.items(ids, now: now)
        }
        return (answer, askForWanted(now: now))
    }

    // MARK: - Answers of others

    /// `token`: what the answer gave for later questions.
    mutating func answered(
        _ query: ZoneQuery,
        with answer: ZoneAnswer,
        token: [UInt8]?,
        from source: Endpoint,
        now: Instant
    ) -> [Action] {
        counts.received += 1
        if let token { keep(token, of: source, now: now) }
        partners[source]?.nextRest = .seconds(10)
        guard answer.isActedOn else {
            // Once more with the token, unless that did not help.
            var again = query
            again.token = token
            guard let token, token != query.token else { return finished(query, at: source, now: now) }
            return [.ask(again, source)]
        }
        switch query.kind {
        case .tell: break
        case .compare(_, let from): return compared(query, from: from, with: answer, at: source, now: now)
        case .get(let ids):
            asked.remove(source)
            receive(answer.items, for: ids, from: source, now: now)
        }
        return askForWanted(now: now)
    }

    /// It answered with an error, or as somebody who does not know the question.
    mutating func refused(_ query: ZoneQuery, by source: Endpoint, now: Instant) -> [Action] {
        rest(source, for: max(Self.restOfStrangers, partners[source]?.nextRest ?? .zero), now: now)
        return finished(query, at: source, now: now)
    }

    /// No answer came in time, or there is no way there.
    mutating func failed(_ query: ZoneQuery, at source: Endpoint, now: Instant) -> [Action] {
        rest(source, for: min(partners[source]?.nextRest ?? .seconds(10), Self.longestRestOfSilent), now: now)
        return finished(query, at: source, now: now)
    }

    /// It was not asked: a limit of ours stands in the way. What was to be asked of it is asked in a second, of it or others.
    mutating func postponed(_ query: ZoneQuery, at source: Endpoint, now: Instant) {
        change(source) { $0.rests = max($0.rests ?? now, now + .seconds(1)) }
        guard case .get(let ids) = query.kind else { return }
        asked.remove(source)
        for id in ids where wanted[id]?.asked == source { wanted[id]?.asked = nil }
        retry = min(retry ?? now + .seconds(1), now + .seconds(1))
    }

    private mutating func finished(_ query: ZoneQuery, at source: Endpoint, now: Instant) -> [Action] {
        guard case .get(let ids) = query.kind else { return [] }
        asked.remove(source)
        forget(source, for: ids)
        return askForWanted(now: now)
    }

    /// `source` is not asked for them again; what nobody else told of is not wanted any more.
    private mutating func forget(_ source: Endpoint, for ids: [UInt64]) {
        for id in ids {
            guard var want = wanted[id], want.asked == source else { continue }
            want.asked = nil
            want.sources.removeAll { $0 == source }
            wanted[id] = want.sources.isEmpty ? nil : want
        }
    }

    // MARK: - Partners

    private mutating func keep(_ token: [UInt8], of source: Endpoint, now: Instant) {
        change(source) { $0.token = (token, now + DHTSpecification.tokenRotation - .seconds(10)) }
    }

    private mutating func rest(_ source: Endpoint, for time: Duration, now: Instant) {
        // Several questions may fail together, which counts once.
        guard !rests(source, now: now + .seconds(1)) else { return }
        change(source) {
            $0.rests = now + time
            $0.nextRest = min(time * 2, .seconds(86_400))
        }
    }

    private mutating func change(_ source: Endpoint, _ body: (inout Partner) -> Void) {
        var partner = partners[source] ?? Partner()
        body(&partner)
        if partners[source] == nil, partners.count >= Self.maximumPartners { partners.removeFirst() }
        partners[source] = partner
    }

    // MARK: - Wanted records

    private func isNews(_ digest: ZoneDigest) -> Bool {
        register.sequence(of: digest.id).map { digest.sequence > $0 } ?? true
    }

    mutating func consider(_ digests: [ZoneDigest], from source: Endpoint, now: Instant) {
        guard wallAtZero != nil, !rests(source, now: now) else { return }
        let told = wanted.values.reduce(0) { $0 + ($1.sources.first == source ? 1 : 0) }
        var room = Self.maximumWantedOfPartner - told
        for digest in digests where isNews(digest) { want(digest, from: source, room: &room) }
    }

    private mutating func want(_ digest: ZoneDigest, from source: Endpoint, room: inout Int) {
        if var want = wanted[digest.id] {
            if want.sources.count < 3, !want.sources.contains(source) { want.sources.append(source) }
            want.sequence = max(want.sequence, digest.sequence)
            wanted[digest.id] = want
        } else if wanted.count < Self.maximumWanted, room > 0 {
            room -= 1
            wanted[digest.id] = Want(sequence: digest.sequence, sources: [source], asked: nil)
        }
    }

    /// Asks those who told, each for a few at a time.
    mutating func askForWanted(now: Instant) -> [Action] {
        var questions: [(source: Endpoint, ids: [UInt64])] = []
        for (id, want) in wanted where want.asked == nil {
            guard asked.count < Self.maximumAsked || !questions.isEmpty else { break }
            if let index = questions.firstIndex(where: {
                $0.ids.count < ZoneSpecification.maximumItems && want.sources.contains($0.source)
            }) {
                questions[index].ids.append(id)
                continue
            }
            guard asked.count < Self.maximumAsked,
                let source = want.sources.first(where: { !asked.contains($0) && !rests($0, now: now) })
            else { continue }
            asked.insert(source)
            questions.append((source, [id]))
        }
        return questions.map { question in
            for id in question.ids { wanted[id]?.asked = question.source }
            return .ask(query(.get(question.ids), to: question.source, now: now), question.source)
        }
    }

    private mutating func receive(_ items: [ZoneItem], for ids: [UInt64], from source: Endpoint, now: Instant) {
        var brought: Set<UInt64> = []
        var isForged = false
        for item in items {
            guard verifying.take(0, now: now) else { break }
            guard let record = configuration.read(item.bytes), ids.contains(record.zoneID) else {
                isForged = true
                continue
            }
            brought.insert(record.zoneID)
            admit(record, age: item.age, now: now)
        }
        for id in ids {
            guard let want = wanted[id], want.asked == source else { continue }
            if brought.contains(id) || register.sequence(of: id).map({ $0 >= want.sequence }) ?? false {
                wanted[id] = nil
            } else if items.count > brought.count || items.isEmpty || isForged {
                forget(source, for: [id])
            } else {
                // It did not fit that answer.
                wanted[id]?.asked = nil
            }
        }
        change(source) { $0.misses = brought.isEmpty ? $0.misses + 1 : 0 }
        if isForged { counts.refused += 1 }
        if isForged || partners[source]?.misses ?? 0 >= Self.maximumMisses {
            rest(source, for: max(.seconds(60), partners[source]?.nextRest ?? .zero), now: now)
        }
    }

    /// A record that its issuer has told whole.
    private mutating func take(_ item: ZoneItem, now: Instant) {
        guard verifying.take(0, now: now) else { return }
        guard let record = configuration.read(item.bytes) else {
            counts.refused += 1
            return
        }
        admit(record, age: item.age, now: now)
    }

    /// `record` is verified.
    private mutating func admit(_ record: PeerRecord, age: UInt32, now: Instant) {
        let wall = wallAtZero.map { UInt64(clamping: ($0 + now).components.seconds) }
        guard let wall, record.network == configuration.network, record.isCurrent(at: wall) else {
            counts.refused += 1
            return
        }
        if let own, own.issuer == record.issuer {
            // Of an earlier run of ours: the next one goes above it (as RFC 2328 §13.4 has it).
            guard record.sequence > ownFloor else { return }
            ownFloor = record.sequence
            nextOwn = min(nextOwn, now + ZoneSpecification.minimumInterval)
            return
        }
        switch register.admit(record, age: .seconds(Int64(age)), now: now) {
        case .news:
            spread(record.zoneID, times: ZoneSpecification.tellingsOfNews, within: ZoneSpecification.urgency, now: now)
            wanted[record.zoneID] = nil
        case .refreshed:
            spread(record.zoneID, times: 1, within: ZoneSpecification.patience, now: now)
            wanted[record.zoneID] = nil
        case .old: return
        case .refused: counts.refused += 1
        }
        counts.admitted += 1
    }

    private mutating func spread(_ id: UInt64, times: Int, within time: Duration, now: Instant) {
        hot[id] = nil
        if hot.count >= Self.maximumHot { hot.removeFirst() }
        hot[id] = times
        nextTell = min(nextTell ?? now + time, now + time)
    }
}
