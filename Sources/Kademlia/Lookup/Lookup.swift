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
        /// It gave a token with its answer; see ``Operation/tokens``.
        var hasToken = false
        /// Its id fits its address (BEP 42), or nothing can be said yet.
        var isBound = true

        var contact: Contact { Contact(id: id, endpoint: endpoint) }
        var isWaited: Bool { state == .asked || state == .slow }
        var isLive: Bool { state != .failed && state != .overdue }
    }

    static let maximumCandidates = 160
    static let maximumQueries = 120
    /// The most candidates of one /24 or /48 that may be alive.
    static let candidatesOfPrefix = 3
    /// The most contacts taken from one answer: twice what an honest one holds.
    static let contactsOfAnswer = 16

    let target: NodeID
    let family: AddressFamily
    let width: Int
    private let parallelism: Int
    private let mostQueries: Int
    /// For the simulator's trial; see ``DHTDefence``.
    let without: Set<DHTDefence>
    /// Ascending by distance.
    var candidates: [Candidate] = []
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

    /// Nodes that gave a token and have nothing before them but `width` nodes that may be alive.
    var ready: [Candidate] {
        var window = width
        var ready: [Candidate] = []
        for candidate in candidates where candidate.isLive && candidate.state != .slow {
            if candidate.state == .answered, candidate.hasToken { ready.append(candidate) }
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
    mutating func answered(_ sender: Contact, with contacts: [Contact], hasToken: Bool, except ownID: NodeID) {
        guard let index = candidates.firstIndex(where: { $0.endpoint == sender.endpoint }),
            candidates[index].state != .answered, candidates[index].state != .fresh
        else { return }
        var candidate = candidates.remove(at: index)
        candidate.id = sender.id
        candidate.distance = sender.id ^ target
        candidate.state = .answered
        candidate.hasToken = hasToken
        candidate.isBound = isBound(sender)
        answers += 1
        candidates.insert(candidate, at: candidates.firstIndex { candidate.distance < $0.distance } ?? candidates.count)
        for contact in believed(contacts) where contact.id != ownID {
            add(contact, depth: candidate.depth + 1, parent: candidate.endpoint)
        }
    }

    /// As many of an answer's as are taken.
    private func believed(_ contacts: [Contact]) -> ArraySlice<Contact> {
        contacts.prefix(without.contains(.answerLimits) ? contacts.count : Self.contactsOfAnswer)
    }

    /// A node of the other family told of these.
    mutating func told(_ contacts: [Contact], except ownID: NodeID) {
        for contact in believed(contacts) where contact.id != ownID {
            if !candidates.contains(where: { $0.endpoint == contact.endpoint }) { add(contact, depth: 1, parent: nil) }
        }
    }
}
