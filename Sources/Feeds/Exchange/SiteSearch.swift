// SPDX-License-Identifier: Apache-2.0
public import Wire

/// One search for the newest state of a site: which peers to ask, and when enough have answered.
///
///     searching ──a peer proves a state──▶ settling ──others are done, or a moment passed──▶ done
///         └──nobody left to ask, or the time is up──▶ done
///
/// The moment is a brief one where everybody who was asked has answered, a longer one where somebody still may, and a
/// last one more where the owner's pointer names a state that nobody has proved yet.
/// Memory: at most ``maximumPeers`` endpoints.
public struct SiteSearch: Sendable {
    /// What the driver does: connections and timers are its own.
    public enum Action: Equatable, Sendable {
        case dial(Endpoint)
        /// Call ``passed(_:)`` after this pause.
        case wait(Pause)
        case finish
    }

    /// What is waited for once a state is proved.
    public enum Pause: Equatable, Sendable, CaseIterable {
        /// More peers may be found.
        case brief
        /// A peer that was asked may answer: a dead one takes seconds, a live one a round trip or two.
        case moment
        /// Somebody may have what the pointer names.
        case promise

        /// From the moment at which it is asked for.
        public var duration: Duration {
            switch self {
            case .brief: .milliseconds(200)
            case .moment: .milliseconds(700)
            case .promise: .seconds(3)
            }
        }
    }

    /// Endpoints of one search; those found later are left out. Eight rounds of ``parallelDials``.
    public static let maximumPeers = 64
    /// Peers that are asked at the same time.
    public static let parallelDials = 8

    private var seen: Set<Endpoint> = []
    private var waiting: [Endpoint] = []
    private var asked: Set<Endpoint> = []
    private var openSearches: Int
    private var isSettling = false
    private var over: [Pause] = []
    /// The head that the owner's pointer names, until it is reached.
    private var promised: Digest256?
    /// No peer is dialled any more; connections under way may be closed.
    public private(set) var isDone = false
    /// Whether it ended only because no time was left.
    public private(set) var isCutShort = false
    /// Peers that proved the state that is the newest known.
    public private(set) var agreed = 0
    /// Peers that answered at all.
    public private(set) var answered = 0

    /// - Parameter searches: how many sources will say when they are at their end.
    public init(searches: Int) {
        openSearches = searches
    }

    /// A source named peers; those named before are not asked again.
    public mutating func found(_ endpoints: [Endpoint]) -> [Action] {
        guard !isDone else { return [] }
        for endpoint in endpoints where seen.count < Self.maximumPeers && seen.insert(endpoint).inserted {
            waiting.append(endpoint)
        }
        return proceed()
    }

    /// One of the sources is at its end.
    public mutating func searchEnded() -> [Action] {
        openSearches -= 1
        return proceed()
    }

    /// The owner's pointer names a state that was not known before the search.
    public mutating func promises(_ head: Digest256) { promised = head }

    /// A peer has answered, or is given up. `head`: of the state that is the newest known now.
    public mutating func ended(_ endpoint: Endpoint, _ outcome: SiteSyncOutcome, head: Digest256? = nil) -> [Action] {
        guard asked.remove(endpoint) != nil else { return [] }
        if head != nil, head == promised { promised = nil }
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

    /// A pause of ``Action/wait(_:)`` is over.
    public mutating func passed(_ pause: Pause) -> [Action] {
        over.append(pause)
        if pause == .moment, promised != nil, !isDone { return [.wait(.promise)] }
        return proceed()
    }

    /// No time is left: the search ends with what is proved.
    public mutating func timeIsUp() -> [Action] {
        isCutShort = !isDone
        return finish()
    }

    private mutating func settle() -> [Action] {
        guard !isSettling, !isDone else { return [] }
        isSettling = true
        return [.wait(.brief), .wait(.moment)]
    }

    private mutating func proceed() -> [Action] {
        guard !isDone else { return [] }
        var actions: [Action] = []
        while asked.count < Self.parallelDials, !waiting.isEmpty {
            let endpoint = waiting.removeFirst()
            asked.insert(endpoint)
            actions.append(.dial(endpoint))
        }
        return isEnough ? actions + finish() : actions
    }

    private var isEnough: Bool {
        if asked.isEmpty, openSearches <= 0 { return true }
        if over.contains(.promise) { return true }
        guard promised == nil else { return false }
        return over.contains(.moment) || (asked.isEmpty && over.contains(.brief))
    }

    private mutating func finish() -> [Action] {
        guard !isDone else { return [] }
        isDone = true
        return [.finish]
    }
}
