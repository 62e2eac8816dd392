// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

/// One command or one chore of a node at work: lookups, then perhaps stores.
struct Operation: Sendable {
    enum Goal: Sendable {
        case findNode
        case getPeers
        case scrape
        case sampleInfohashes
        case getImmutable
        case getMutable(key: PublicKey, salt: [UInt8])
        case publish(Publication, expecting: Int64?)
        /// The publication comes when the caller has signed it.
        case update(key: PublicKey, salt: [UInt8], isAsked: Bool)
    }

    /// Why it runs; decides who is told of its end.
    enum Purpose: Sendable, Equatable {
        case command(CommandID)
        case join
        case refresh
        case republish(PublicationSchedule.Key)
    }

    enum Attempt: Sendable {
        case waiting
        case stored
        case refused(Int64)
        case silent
    }

    let target: NodeID
    var goal: Goal
    let purpose: Purpose
    var keep = KeepPolicy.once
    /// One for each family.
    var lookups: [Lookup]
    var peers: Set<Endpoint> = []
    /// The filters of all answers joined (BEP 33).
    var seedFilter = BloomFilter()
    var peerFilter = BloomFilter()
    var samples: Set<Digest160> = []
    /// Answers that told anything of the kind asked for.
    var sources = 0
    var best: MutableItem?
    var immutable: [UInt8]?
    /// The sequence number that each node holds, as far as they say.
    var holders: [Endpoint: Int64] = [:]
    var attempts: [Endpoint: Attempt] = [:]

    static let maximumPeers = 2000
    static let maximumSamples = 2000

    var isLookupFinished: Bool { lookups.allSatisfy { $0.isFinished } }

    var isWaitingForStores: Bool {
        attempts.values.contains {
            if case .waiting = $0 { return true }
            return false
        }
    }

    /// What is to be stored, once it is known.
    var publication: (Publication, expecting: Int64?)? {
        if case .publish(let publication, let expected) = goal { return (publication, expected) }
        return nil
    }

    var method: KRPCQuery.Method {
        switch goal {
        case .findNode: return .findNode(target: target)
        case .scrape: return .scrape(infoHash: target)
        case .sampleInfohashes: return .sampleInfohashes(target: target)
        case .getPeers, .publish(.peer, _): return .getPeers(infoHash: target)
        case .getImmutable, .publish(.immutable, _): return .get(target: target, sequence: nil)
        // Those who have nothing newer than what we have already need not send it.
        case .getMutable, .update, .publish(.mutable, _): return .get(target: target, sequence: best?.sequence)
        }
    }

    /// Key and salt of the item that the target stands for.
    var slot: (key: PublicKey, salt: [UInt8])? {
        switch goal {
        case .getMutable(let key, let salt), .update(let key, let salt, _): return (key, salt)
        case .publish(.mutable(let item), _): return (item.key, item.salt)
        default: return nil
        }
    }

    /// The nodes to store at now: of each family the k closest with a token, minus those that turned out not to.
    func storeTargets(width: Int) -> [Lookup.Candidate] {
        lookups.flatMap { lookup in
            let isFinished = lookup.isFinished
            var remaining = width
            var targets: [Lookup.Candidate] = []
            for candidate in lookup.closest(Lookup.maximumCandidates) where candidate.token != nil {
                guard remaining > 0 else { break }
                switch attempts[candidate.endpoint] {
                case .waiting, .stored: remaining -= 1
                case .refused, .silent: break
                case nil:
                    remaining -= 1
                    // Before the end only where nothing closer is known: the write need not wait for silent nodes.
                    if isFinished || lookup.isAmongClosest(candidate.endpoint) { targets.append(candidate) }
                }
            }
            return targets
        }
    }

    /// The nodes that have what was to be published, closest first, at most `width` of a family: those that took it, and
    /// those that had it where it was not worth storing.
    func keepers(width: Int) -> [NodeID] {
        let newest = holders.values.max() ?? 0
        let found = lookups.flatMap { lookup in
            lookup.closest(Lookup.maximumCandidates).filter { candidate in
                switch attempts[candidate.endpoint] {
                case .stored: true
                case .refused, .silent, .waiting: false
                case nil: keep == .borrowed && holders[candidate.endpoint] == newest
                }
            }
            .prefix(width)
        }
        return found.sorted { $0.distance < $1.distance }.map { $0.id }
    }

    var report: LookupReport {
        var report = LookupReport()
        for lookup in lookups {
            report.closest += lookup.closest(DHTSpecification.bucketSize).map { $0.contact }
            report.queries += lookup.queries
            report.answers += lookup.answers
        }
        if let lookup = lookups.first(where: { $0.answers > 0 }) {
            report.path = lookup.path
            report.hops = lookup.hops
        }
        return report
    }

    var storeReport: StoreReport {
        var report = StoreReport(target: target)
        for attempt in attempts.values {
            switch attempt {
            case .stored: report.stored += 1
            case .refused(let code): report.refusals.append(code)
            case .silent, .waiting: report.silent += 1
            }
        }
        report.refusals.sort()
        if case .publish(.mutable(let item), _) = goal, let best, best != item, best.sequence >= item.sequence {
            report.newer = best
        }
        return report
    }
}
