// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

/// One command or one chore of a node at work: lookups, then perhaps stores.
///
/// A class, so that a step reads and changes it where it stands: as a value in a dictionary each look at it was a copy, and
/// these were a fifth of the work of a large simulated network.
final class Operation {
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

        /// Whether somebody may want to hide what is at the target.
        var isOfValues: Bool {
            switch self {
            case .findNode, .scrape, .sampleInfohashes: false
            case .getPeers, .getImmutable, .getMutable, .publish, .update: true
            }
        }

        var isOfStores: Bool {
            switch self {
            case .publish, .update: true
            case .findNode, .scrape, .sampleInfohashes, .getPeers, .getImmutable, .getMutable: false
            }
        }
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

        var isGood: Bool {
            switch self {
            case .waiting, .stored: true
            case .refused, .silent: false
            }
        }
    }

    let target: NodeID
    var goal: Goal
    let purpose: Purpose
    var keep = KeepPolicy.once
    /// For each family one, or one for each of the ways that share no node.
    var lookups: [Lookup]
    /// Nodes that one of the ways has asked: no other does.
    var claimed: Set<Endpoint> = []
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
    /// What those who answered want to see before they take anything; kept where something is to be stored.
    var tokens: [Endpoint: [UInt8]] = [:]

    init(
        target: NodeID,
        goal: Goal,
        purpose: Purpose,
        keep: KeepPolicy = .once,
        lookups: [Lookup] = []
    ) {
        self.target = target
        self.goal = goal
        self.purpose = purpose
        self.keep = keep
        self.lookups = lookups
    }

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

    /// The nodes that answered, of all ways of a family together, closest first: as many whose id fits their address as
    /// asked for, and no more others between them.
    func closest(_ count: Int) -> [Lookup.Candidate] {
        AddressFamily.allCases.flatMap { family -> [Lookup.Candidate] in
            let ways = lookups.filter { $0.family == family }
            guard ways.count > 1 else { return ways.first?.closest(count) ?? [] }
            let all = ways.flatMap { $0.closest(count * 2) }.sorted { $0.distance < $1.distance }
            return Lookup.closest(count, of: all)
        }
    }

    /// The nodes to store at now: of each family the k closest with a token, minus those that turned out not to. Before the
    /// end only where nothing closer is known: the write need not wait for silent nodes.
    func storeTargets(width: Int) -> [Lookup.Candidate] {
        guard isLookupFinished else {
            let ready = lookups.flatMap { $0.ready }.filter { attempts[$0.endpoint] == nil }
            guard !ready.isEmpty else { return [] }
            let room = max(0, width - attempts.values.lazy.filter { $0.isGood }.count)
            return Array(ready.sorted { $0.distance < $1.distance }.prefix(room))
        }
        return AddressFamily.allCases.flatMap { family -> [Lookup.Candidate] in
            let all = lookups.filter { $0.family == family }.flatMap { $0.closest(Lookup.maximumCandidates) }
            let willing = all.filter { $0.hasToken && attempts[$0.endpoint]?.isGood ?? true }
            return Lookup.closest(width, of: willing.sorted { $0.distance < $1.distance })
                .filter { attempts[$0.endpoint] == nil }
        }
    }

    /// The nodes that have what was to be published, closest first: those that took it, and those that had it where it was not worth storing.
    func keepers(width: Int) -> [NodeID] {
        let newest = holders.values.max() ?? 0
        let found = closest(width * 2).filter { candidate in
            switch attempts[candidate.endpoint] {
            case .stored: true
            case .refused, .silent, .waiting: false
            case nil: keep == .borrowed && holders[candidate.endpoint] == newest
            }
        }
        return found.sorted { $0.distance < $1.distance }.map { $0.id }
    }

    var report: LookupReport {
        var report = LookupReport()
        report.closest = closest(DHTSpecification.bucketSize).map { $0.contact }
        for lookup in lookups {
            report.queries += lookup.queries
            report.answers += lookup.answers
        }
        let ways = lookups.filter { $0.answers > 0 }
        if let family = ways.first?.family,
            let lookup = ways.filter({ $0.family == family }).min(by: { $0.closestDistance < $1.closestDistance })
        {
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
