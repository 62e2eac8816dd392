// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// One search for the nodes closest to a target in one family (BEP 5 "Overview").
///
///     fresh ──ask──▶ asked ──short time-out──▶ slow ──patience──▶ overdue
///                      └──────────┴──answer───────┴──────────────────┴──▶ answered          (error ──▶ failed)
///
/// A slow node no longer holds up further queries, an overdue one no longer holds up the end; an answer counts whenever
/// it comes. So the search ends when the k closest nodes *that are alive* have answered, however many are silent.
/// Nodes whose id does not fit their address (BEP 42) are asked and stored at like others, but not counted, and only the
/// closest k of them at any time: whoever takes ids as he likes can stand before the honest nodes, not in their place.
/// Performs nothing itself: ``DHTNode`` asks whom ``next()`` names and tells what came of it.
/// Memory: at most ``maximumCandidates`` of about 120 bytes.
struct Lookup: Sendable {
    enum State: UInt8, Sendable {
        case fresh
        case asked
        case slow
        case overdue
        case answered
        case failed
    }

    struct Candidate: Sendable {
        /// Zero for an entrance whose id is not known until it answers.
        var id: NodeID
        let endpoint: Endpoint
        var distance: NodeID
        var state = State.fresh
        /// Answers between us and the word of this node.
        let depth: Int
        let parent: Endpoint?
        var token: [UInt8]?
        /// Its id fits its address (BEP 42), or nothing can be said yet.
        var isBound = true

        var contact: Contact { Contact(id: id, endpoint: endpoint) }
        fileprivate var isWaited: Bool { state == .asked || state == .slow }
        fileprivate var isLive: Bool { state != .failed && state != .overdue }
    }

    static let maximumCandidates = 160
    static let maximumQueries = 120
    /// The most candidates of one /24 or /48 that may be alive.
    static let candidatesOfPrefix = 3
    /// The most contacts taken from one answer: twice what an honest one holds.
    static let contactsOfAnswer = 16

    let target: NodeID
    let family: AddressFamily
    private let width: Int
    private let parallelism: Int
    private let mostQueries: Int
    /// For the simulator's trial; see ``DHTDefence``.
    private let without: Set<DHTDefence>
    /// Ascending by distance.
    private(set) var candidates: [Candidate] = []
    private(set) var queries = 0
    private(set) var answers = 0

    init(
        target: NodeID,
        family: AddressFamily,
        width: Int,
        parallelism: Int,
        mostQueries: Int = Lookup.maximumQueries,
        without: Set<DHTDefence> = [],
        from contacts: [Contact]
    ) {
        self.target = target
        self.family = family
        self.width = width
        self.parallelism = parallelism
        self.mostQueries = mostQueries
        self.without = without
        for contact in contacts { add(contact, depth: 0, parent: nil) }
    }

    /// An address without an id, asked before all others.
    mutating func add(entrance endpoint: Endpoint) {
        guard endpoint.family == family, !candidates.contains(where: { $0.endpoint == endpoint }) else { return }
        candidates.insert(Candidate(id: .zero, endpoint: endpoint, distance: .zero, depth: 0, parent: nil), at: 0)
    }

    private mutating func add(_ contact: Contact, depth: Int, parent: Endpoint?) {
        guard contact.endpoint.family == family else { return }
        let distance = contact.id ^ target
        forgetOldIdentity(of: contact, distance)
        guard makesRoom(for: contact, distance) else { return }
        let isBound = isBound(contact)
        guard isBound || makesRoomAmongUnbound(distance) else { return }
        let position = candidates.firstIndex { distance < $0.distance } ?? candidates.count
        guard position < Self.maximumCandidates else { return }
        var candidate = Candidate(
            id: contact.id,
            endpoint: contact.endpoint,
            distance: distance,
            depth: depth,
            parent: parent
        )
        candidate.isBound = isBound
        candidates.insert(candidate, at: position)
        guard candidates.count > Self.maximumCandidates else { return }
        // The furthest makes room, unless it has something to say yet.
        if let last = candidates.lastIndex(where: { !$0.isWaited }) { candidates.remove(at: last) }
    }

    /// An address named under several ids that nobody has asked yet counts under the closest of them: a node that took a
    /// new id, or one whose address somebody named under a far id, would be passed over otherwise.
    private mutating func forgetOldIdentity(of contact: Contact, _ distance: NodeID) {
        guard
            let index = candidates.firstIndex(where: {
                $0.endpoint == contact.endpoint && $0.state == .fresh && $0.id != .zero && distance < $0.distance
            })
        else { return }
        candidates.remove(at: index)
    }

    private func isBound(_ contact: Contact) -> Bool {
        without.contains(.boundIDs) || contact.id.isSecured(for: contact.endpoint.address)
    }

    /// One network gets few places: in a full one a closer node takes that of the furthest that nobody has asked yet.
    private mutating func makesRoom(for contact: Contact, _ distance: NodeID) -> Bool {
        let address = contact.endpoint.address
        guard !address.isLocal, !without.contains(.prefixDiversity) else {
            return !candidates.contains { $0.endpoint == contact.endpoint }
        }
        let prefix = address.prefix
        var neighbours = 0
        var furthest: Int?
        for (index, candidate) in candidates.enumerated() where candidate.endpoint.address.prefix == prefix {
            if candidate.endpoint.address == address { return false }
            if candidate.isLive { neighbours += 1 }
            if candidate.state == .fresh, candidate.id != .zero { furthest = index }
        }
        guard neighbours >= Self.candidatesOfPrefix else { return true }
        guard let furthest, distance < candidates[furthest].distance else { return false }
        candidates.remove(at: furthest)
        return true
    }

    /// How many nodes of one network were asked and may be alive.
    func taken(of prefix: IPAddress) -> Int {
        var count = 0
        for candidate in candidates where candidate.isLive && candidate.state != .fresh {
            if candidate.endpoint.address.prefix == prefix { count += 1 }
        }
        return count
    }

    /// However many ids somebody takes as he likes, they cannot push the others out of the list.
    private mutating func makesRoomAmongUnbound(_ distance: NodeID) -> Bool {
        var fresh = 0
        var furthest: Int?
        for (index, candidate) in candidates.enumerated() where !candidate.isBound && candidate.state == .fresh {
            fresh += 1
            furthest = index
        }
        guard fresh >= width * 3 else { return true }
        guard let furthest, distance < candidates[furthest].distance else { return false }
        candidates.remove(at: furthest)
        return true
    }

    // MARK: - What to do

    /// The next node to ask, or nil while enough are being asked.
    func next() -> Candidate? {
        guard queries < mostQueries else { return nil }
        var asked = 0
        for candidate in candidates where candidate.state == .asked { asked += 1 }
        guard asked < parallelism else { return nil }
        // Slow ones among the closest do not count: the window reaches past them.
        var window = width
        var unbound = width
        for candidate in candidates where candidate.isLive && candidate.state != .slow {
            if !candidate.isBound {
                unbound -= 1
                if unbound < 0 { continue }
            }
            if candidate.state == .fresh { return candidate }
            guard candidate.isBound else { continue }
            window -= 1
            if window == 0 { return nil }
        }
        return nil
    }

    var isFinished: Bool {
        var answered = 0
        var unbound = width
        for candidate in candidates where candidate.isLive {
            if !candidate.isBound {
                unbound -= 1
                if unbound < 0 { continue }
            }
            switch candidate.state {
            case .answered: answered += candidate.isBound ? 1 : 0
            case .asked, .slow: return false
            case .fresh: if queries < mostQueries { return false }
            case .failed, .overdue: break
            }
            if answered == width { return true }
        }
        return true
    }

    /// The nodes that answered, closest first: `count` whose id fits their address, and at most as many others between.
    func closest(_ count: Int) -> [Candidate] { Self.closest(count, of: candidates.filter { $0.state == .answered }) }

    /// The same of several searches together; `ordered` by distance.
    static func closest(_ count: Int, of ordered: [Candidate]) -> [Candidate] {
        var (bound, unbound) = (count, count)
        var closest: [Candidate] = []
        for candidate in ordered {
            guard bound > 0 else { break }
            if candidate.isBound {
                bound -= 1
            } else {
                unbound -= 1
                if unbound < 0 { continue }
            }
            closest.append(candidate)
        }
        return closest
    }

    var closestDistance: NodeID {
        candidates.first { $0.state == .answered }?.distance ?? NodeID(Array(repeating: 0xFF, count: 20)) ?? .zero
    }

    /// Nodes that gave a token and have nothing before them but `width` nodes that may be alive.
    var ready: [Candidate] {
        var window = width
        var ready: [Candidate] = []
        for candidate in candidates where candidate.isLive && candidate.state != .slow {
            if candidate.state == .answered, candidate.token != nil { ready.append(candidate) }
            if candidate.isBound { window -= 1 }
            if window == 0 { break }
        }
        return ready
    }

    // MARK: - What happened

    private mutating func change(_ endpoint: Endpoint, to state: State, from states: [State]) {
        guard let index = candidates.firstIndex(where: { $0.endpoint == endpoint }),
            states.contains(candidates[index].state)
        else { return }
        candidates[index].state = state
    }

    mutating func asked(_ endpoint: Endpoint) {
        queries += 1
        change(endpoint, to: .asked, from: [.fresh])
    }

    /// Another path has asked this node; see ``Operation/claimed``.
    mutating func leave(_ endpoint: Endpoint) {
        candidates.removeAll { $0.endpoint == endpoint && $0.state == .fresh }
    }

    mutating func slow(_ endpoint: Endpoint) { change(endpoint, to: .slow, from: [.asked]) }
    mutating func overdue(_ endpoint: Endpoint) { change(endpoint, to: .overdue, from: [.fresh, .asked, .slow]) }
    mutating func failed(_ endpoint: Endpoint) { change(endpoint, to: .failed, from: [.asked, .slow, .overdue]) }

    /// A node answered, under the id that counts from now on.
    mutating func answered(_ sender: Contact, with contacts: [Contact], token: [UInt8]?, except ownID: NodeID) {
        guard let index = candidates.firstIndex(where: { $0.endpoint == sender.endpoint }),
            candidates[index].state != .answered, candidates[index].state != .fresh
        else { return }
        var candidate = candidates.remove(at: index)
        candidate.id = sender.id
        candidate.distance = sender.id ^ target
        candidate.state = .answered
        candidate.token = token
        candidate.isBound = isBound(sender)
        answers += 1
        candidates.insert(candidate, at: candidates.firstIndex { candidate.distance < $0.distance } ?? candidates.count)
        for contact in contacts.prefix(Self.contactsOfAnswer) where contact.id != ownID {
            add(contact, depth: candidate.depth + 1, parent: candidate.endpoint)
        }
    }

    /// A node of the other family told of these.
    mutating func told(_ contacts: [Contact], except ownID: NodeID) {
        for contact in contacts.prefix(Self.contactsOfAnswer) where contact.id != ownID {
            if !candidates.contains(where: { $0.endpoint == contact.endpoint }) { add(contact, depth: 1, parent: nil) }
        }
    }

    // MARK: - The report

    /// From the first node asked to the closest found, each closer than the one before.
    var path: [Contact] {
        var chain: [Candidate] = []
        var step = candidates.first { $0.state == .answered }
        while let candidate = step, chain.count < Self.maximumCandidates {
            chain.append(candidate)
            step = candidate.parent.flatMap { parent in candidates.first { $0.endpoint == parent } }
        }
        var path: [Candidate] = []
        for candidate in chain.reversed() where path.last.map({ candidate.distance < $0.distance }) ?? true {
            path.append(candidate)
        }
        return path.map { $0.contact }
    }

    /// Queries one after the other from us to the closest node found.
    var hops: Int { candidates.first { $0.state == .answered }.map { $0.depth + 1 } ?? 0 }
}
