// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Takes operations a step further.
extension DHTNode {
    /// Asks, stores and ends as far as the operation can go now.
    mutating func advance(_ number: UInt64, now: Instant) {
        guard let operation = operations[number] else { return }
        var blocked = askNodes(number, operation, now: now)
        requestSignature(number, operation)
        blocked = storeAtNodes(number, operation, now: now) ?? blocked
        if let blocked { deadlines.plan(.advance(number), at: blocked) }
        guard blocked == nil, !operation.isWaitingForStores, operation.isLookupFinished else { return }
        if case .update = operation.goal { return }
        finish(number, operation, now: now)
    }

    /// - Returns: when to go on, if a limit of ours stands in the way.
    private mutating func askNodes(_ number: UInt64, _ operation: Operation, now: Instant) -> Instant? {
        for index in operation.lookups.indices {
            while let candidate = operation.lookups[index].next() {
                if operation.claimed.contains(candidate.endpoint) || isCrowded(operation, by: candidate) {
                    operation.lookups[index].leave(candidate.endpoint)
                    continue
                }
                if isPassedOver(candidate, in: operation.lookups[index], now: now) {
                    operation.lookups[index].overdue(candidate.endpoint)
                    continue
                }
                if let later = permit(candidate.endpoint, now: now) { return later }
                operation.lookups[index].asked(candidate.endpoint)
                operation.claimed.insert(candidate.endpoint)
                let id = candidate.id == .zero ? nil : candidate.id
                ask(operation.method, candidate.endpoint, id: id, .lookup(number), now: now)
            }
        }
        return nil
    }

    /// The ways of a search together take no more nodes of one network than one way alone.
    private func isCrowded(_ operation: Operation, by candidate: Lookup.Candidate) -> Bool {
        let address = candidate.endpoint.address
        guard operation.lookups.count > 1, !address.isLocal, !configuration.without.contains(.prefixDiversity) else {
            return false
        }
        return operation.lookups.reduce(0) { $0 + $1.taken(of: address.prefix) } >= Lookup.candidatesOfPrefix
    }

    /// A node that was silent a moment ago is left out where enough others are known.
    private func isPassedOver(_ candidate: Lookup.Candidate, in lookup: Lookup, now: Instant) -> Bool {
        guard let until = silent[candidate.endpoint], until > now else { return false }
        var others = 0
        for other in lookup.candidates where other.state != .failed && silent[other.endpoint] == nil {
            others += 1
            if other.state == .answered || others >= configuration.bucketSize { return true }
        }
        return false
    }

    private mutating func requestSignature(_ number: UInt64, _ operation: Operation) {
        guard case .update(let key, let salt, isAsked: false) = operation.goal, operation.isLookupFinished else {
            return
        }
        operation.goal = .update(key: key, salt: salt, isAsked: true)
        progress(.readyToSign(current: operation.best, highest: floors[operation.target]), for: number)
    }

    private mutating func storeAtNodes(_ number: UInt64, _ operation: Operation, now: Instant) -> Instant? {
        guard let (publication, expected) = operation.publication,
            isWorthStoring(publication, operation)
        else { return nil }
        for candidate in operation.storeTargets(width: configuration.bucketSize) {
            guard let token = operation.tokens[candidate.endpoint] else { continue }
            if let later = permit(candidate.endpoint, now: now) { return later }
            operation.attempts[candidate.endpoint] = .waiting
            let holds = operation.holders[candidate.endpoint] != nil
            let method = method(publication, token: token, expecting: holds ? expected : nil)
            ask(method, candidate.endpoint, id: candidate.id, .store(number), now: now)
        }
        return nil
    }

    /// Whether to put at all: not over something newer, and what is borrowed only where others do not suffice.
    private func isWorthStoring(_ publication: Publication, _ operation: Operation) -> Bool {
        if case .mutable(let item) = publication, let best = operation.best, best.sequence > item.sequence {
            return false
        }
        guard case .republish = operation.purpose, operation.keep == .borrowed else { return true }
        // BEP 44 "Expiration": more than eight copies, and all of the closest have one.
        guard operation.isLookupFinished else { return false }
        let newest = operation.holders.values.max() ?? 0
        let copies = operation.holders.filter { $0.value == newest }
        let closest = operation.closest(configuration.bucketSize)
        return copies.count <= configuration.bucketSize || !closest.allSatisfy { copies[$0.endpoint] != nil }
    }

    private func method(
        _ publication: Publication,
        token: [UInt8],
        expecting expected: Int64?
    ) -> KRPCQuery.Method {
        switch publication {
        case .peer(let infoHash, let port):
            var announce = KRPCAnnounce(infoHash: infoHash, port: port, token: token)
            announce.isSeed = ownSeeds.contains(infoHash)
            return .announcePeer(announce)
        case .immutable(let item): return .put(KRPCPut(token: token, value: item.value, mutable: nil))
        case .mutable(let item):
            let mutable = KRPCPut.Mutable(
                key: item.key,
                salt: item.salt,
                sequence: item.sequence,
                signature: item.signature,
                expectedSequence: expected
            )
            return .put(KRPCPut(token: token, value: item.value, mutable: mutable))
        }
    }

    // MARK: - The end

    private mutating func finish(_ number: UInt64, _ operation: Operation, now: Instant) {
        operations[number] = nil
        switch operation.purpose {
        case .command(let id):
            commands[id] = nil
            if operation.keep != .once, let (publication, _) = operation.publication {
                settle(PublicationSchedule.Key(publication), operation, now: now)
            }
            actions.append(.finished(id, outcome(operation)))
        case .join: joined(operation, now: now)
        case .refresh: break
        case .republish(let key):
            settle(key, operation, now: now)
            actions.append(.event(.published(operation.storeReport)))
        }
    }

    private func outcome(_ operation: Operation) -> DHTOutcome {
        switch operation.goal {
        case .findNode: return .nodes(operation.report)
        case .getPeers: return .peers(operation.peers.sorted { $0.precedes($1) }, operation.report)
        case .scrape: return .scraped(operation.scrapeReport, operation.report)
        case .sampleInfohashes: return .samples(operation.sampleReport, operation.report)
        case .getImmutable:
            return .immutable(operation.immutable, holders: operation.holders.count, operation.report)
        case .getMutable, .update: return .mutable(mutableReport(operation), operation.report)
        case .publish: return .stored(operation.storeReport, operation.report)
        }
    }

    private func mutableReport(_ operation: Operation) -> MutableReport {
        var report = MutableReport(highestKnown: floors[operation.target])
        guard let best = operation.best,
            best.sequence >= report.highestKnown ?? 0 || configuration.defect == .acceptsLowerSequence
                || configuration.without.contains(.sequence)
        else { return report }
        report.item = best
        report.holders = operation.holders.values.lazy.filter { $0 == best.sequence }.count
        return report
    }
}

extension Endpoint {
    /// Any fixed order, so that reports of one seed are equal.
    fileprivate func precedes(_ other: Endpoint) -> Bool {
        address == other.address ? port < other.port : address.number < other.address.number
    }
}

extension IPAddress {
    fileprivate var number: (UInt64, UInt64) {
        switch self {
        case .v4(let value): (0, UInt64(value))
        case .v6(let high, let low): (high, low)
        }
    }
}
