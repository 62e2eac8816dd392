// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// One search for the newest state of a site: which peers to ask, and when enough have answered.
///
///     searching ──a peer proves a state──▶ settling ──others are done, or a moment passed──▶ done
///         └──nobody left to ask, or the time is up──▶ done
///
/// Memory: at most ``maximumPeers`` endpoints.
struct SiteSearch: Sendable {
    enum Action: Equatable, Sendable {
        case dial(Endpoint)
        /// Call ``momentPassed()`` after this long.
        case wait(Duration)
        case finish
    }

    static let maximumPeers = 64
    static let parallelDials = 8
    /// How long others may still answer after the first proof: a dead peer takes seconds, a live one a round trip or two.
    static let moment = Duration.milliseconds(700)

    private var seen: Set<Endpoint> = []
    private var waiting: [Endpoint] = []
    private var asked: Set<Endpoint> = []
    private var openSearches: Int
    private var isSettling = false
    private(set) var isDone = false
    /// Peers that proved the state that is the newest known.
    private(set) var agreed = 0
    /// Peers that answered at all.
    private(set) var answered = 0

    /// - Parameter searches: how many sources will say when they are at their end.
    init(searches: Int) {
        openSearches = searches
    }

    mutating func found(_ endpoints: [Endpoint]) -> [Action] {
        guard !isDone else { return [] }
        for endpoint in endpoints where seen.count < Self.maximumPeers && seen.insert(endpoint).inserted {
            waiting.append(endpoint)
        }
        return proceed()
    }

    mutating func searchEnded() -> [Action] {
        openSearches -= 1
        return proceed()
    }

    /// A peer has answered, or is given up.
    mutating func ended(_ endpoint: Endpoint, _ outcome: SiteSyncOutcome) -> [Action] {
        guard asked.remove(endpoint) != nil else { return [] }
        switch outcome {
        case .agreed:
            agreed += 1
            answered += 1
            return settle() + proceed()
        case .behind, .failed: answered += 1
        case .unreachable, .notKept: break
        }
        return proceed()
    }

    /// Something else that is worth showing was found: not long from now it is time to.
    mutating func settle() -> [Action] {
        guard !isSettling, !isDone else { return [] }
        isSettling = true
        return [.wait(Self.moment)]
    }

    mutating func momentPassed() -> [Action] { finish() }

    mutating func timeIsUp() -> [Action] { finish() }

    private mutating func proceed() -> [Action] {
        guard !isDone else { return [] }
        var actions: [Action] = []
        while asked.count < Self.parallelDials, !waiting.isEmpty {
            let endpoint = waiting.removeFirst()
            asked.insert(endpoint)
            actions.append(.dial(endpoint))
        }
        return asked.isEmpty && openSearches <= 0 ? actions + finish() : actions
    }

    private mutating func finish() -> [Action] {
        guard !isDone else { return [] }
        isDone = true
        return [.finish]
    }
}
