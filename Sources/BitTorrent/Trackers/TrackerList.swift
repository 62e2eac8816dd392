// SPDX-License-Identifier: Apache-2.0
public import Wire

/// When to tell which tracker what about a torrent (BEP 3, 7, 12, 21, 27, 31).
///
/// The trackers of a tier are shuffled once; one that works moves to the front of its tier. A public torrent announces to one
/// tracker of *each* tier, so that tiers, of which people make lists of all trackers they know, do not hide each other; a
/// private one to a single tracker, as BEP 27 asks. A hybrid announces under both of its hashes. Each of these is a *loop*:
///
/// ```
///            due                       reply
///   waiting ─────▶ asking tracker i ──────────▶ waiting for its interval
///      ▲                │ failure
///      │                ▼
///      └── all failed: 30 s, 60 s, … 1 h ◀── next tracker
/// ```
/// A machine without I/O. Bounds: ``maximumTrackers`` trackers, twice as many loops of 100 bytes, ``maximumRequests`` announces
/// at once; an input gives at most that many actions and two more.
public struct TrackerList: ~Copyable {
    /// Trackers of a torrent; those beyond are left out, as ``TorrentSpecification/maximumSources`` does.
    public static let maximumTrackers = 256
    /// Announces under way at once; further loops wait for one to end.
    public static let maximumRequests = 16
    /// After all trackers of a loop have failed: at first so long, then twice as long up to an hour.
    static let firstPause = Duration.seconds(30)
    static let longestPause = Duration.seconds(3600)

    /// What the driver does: connections and timers are its own.
    public enum Action: Equatable, Sendable {
        /// Announce, then call `replied` or `failed`. Port, counters and key are the driver's to add.
        case announce(TrackerRequestID, ServiceURL, hash: Digest160, event: AnnounceEvent, trackerID: [UInt8]?)
        /// Call `wake` at this time; replaces the time given before.
        case wake(at: Duration)
        /// After `stop`: every tracker that had to be told has been, or cannot be.
        case stopped
    }

    struct Tracker {
        var status: TrackerStatus
        var trackerID: [UInt8]?
    }

    /// One tracker at a time, out of some tiers, for one hash.
    struct Loop {
        let hash: Digest160
        let tiers: Range<Int>
        var nextTime: Duration
        /// What the tracker asks for at least, where it said so: as early as that when peers are short.
        var earliest: Duration
        /// The trackers that are still to be tried in this round.
        var untried: [Int] = []
        var request: TrackerRequestID?
        var failures = 0
        /// Trackers that heard `started`: those that hear what follows.
        var told: Set<Int> = []
        /// Trackers that never want to hear of this hash again (BEP 31).
        var refusing: Set<Int> = []
        /// Trackers that heard `completed`, or to which it does not matter.
        var knowsCompletion: Set<Int> = []
    }

    private struct Request {
        var loop: Int
        var tracker: Int
        var event: AnnounceEvent
    }

    var trackers: [Tracker] = []
    /// Indices of `trackers` by tier, the first to be tried first.
    private var tiers: [[Int]] = []
    private var loops: [Loop] = []
    private var requests: [TrackerRequestID: Request] = [:]
    private var nextRequest: UInt64 = 1
    private var random: SessionRandom
    private var actions: [Action] = []
    private var isStopping = false
    private var farewells: [Request] = []
    private var hasCompleted = false
    /// BEP 21: nothing more is wanted though something is missing.
    public var isPartialSeed = false
    /// So few peers are known that trackers are asked as early as they allow.
    public private(set) var isShortOfPeers = false

    /// `tiers`: URLs by tier; what is double, and what is beyond ``maximumTrackers``, is left out.
    /// `hashes`: v1, truncated v2, or both.
    /// `seed`: for the order within tiers.
    public init(tiers: [[ServiceURL]], hashes: [Digest160], isPrivate: Bool, seed: UInt64, now: Duration) {
        random = SessionRandom(state: seed)
        var seen: Set<ServiceURL> = []
        for urls in tiers {
            let fresh = urls.filter { seen.count < Self.maximumTrackers && seen.insert($0).inserted }
            guard !fresh.isEmpty else { continue }
            let first = trackers.count
            trackers += fresh.map { Tracker(status: TrackerStatus(url: $0, tier: self.tiers.count)) }
            self.tiers.append(Array(first..<trackers.count).shuffled(using: &random))
        }
        let groups = isPrivate ? [0..<self.tiers.count] : self.tiers.indices.map { $0..<$0 + 1 }
        for group in groups where !group.isEmpty {
            loops += hashes.map { Loop(hash: $0, tiers: group, nextTime: now, earliest: now) }
        }
    }

    /// The trackers as they were given.
    public var status: [TrackerStatus] { trackers.map(\.status) }

    // MARK: Inputs

    /// Begins, or goes on after the time asked for.
    public mutating func wake(now: Duration) -> [Action] {
        guard !isStopping else { return [] }
        for index in loops.indices where loops[index].request == nil && due(index) <= now { ask(index, now) }
        return finish()
    }

    /// The download is complete: who heard that it started hears it soon.
    public mutating func completed(now: Duration) -> [Action] {
        guard !hasCompleted, !isStopping else { return [] }
        hasCompleted = true
        for index in loops.indices where !loops[index].told.isEmpty && loops[index].request == nil {
            loops[index].nextTime = now
            loops[index].untried = []
        }
        return wake(now: now)
    }

    /// Everything was there from the start: no tracker is told that anything was completed.
    public mutating func wasComplete() {
        hasCompleted = true
        for index in loops.indices { loops[index].knowsCompletion = Set(trackers.indices) }
    }

    /// Whether connections are wanting. While they are, a loop comes back after the tracker's shortest interval.
    public mutating func setShortOfPeers(_ isShort: Bool, now: Duration) -> [Action] {
        guard isShort != isShortOfPeers else { return [] }
        isShortOfPeers = isShort
        return isShort ? wake(now: now) : []
    }

    /// Says goodbye to the trackers that know of us, once, and then does nothing any more.
    public mutating func stop(now: Duration) -> [Action] {
        guard !isStopping else { return [] }
        isStopping = true
        requests = [:]
        for (index, loop) in loops.enumerated() {
            farewells += loop.told.sorted().map { Request(loop: index, tracker: $0, event: .stopped) }
        }
        sayGoodbye()
        return finish()
    }

    /// The tracker answered. An answer to a request that was ended before changes nothing.
    public mutating func replied(_ id: TrackerRequestID, _ reply: AnnounceReply, now: Duration) -> [Action] {
        guard let request = requests.removeValue(forKey: id) else { return [] }
        if isStopping {
            sayGoodbye()
            return finish()
        }
        note(reply, of: request.tracker)
        promote(request.tracker)
        var loop = loops[request.loop]
        loop.request = nil
        loop.failures = 0
        loop.untried = []
        loop.told.insert(request.tracker)
        if request.event == .completed { loop.knowsCompletion.insert(request.tracker) }
        let isNews = hasCompleted && !loop.knowsCompletion.contains(request.tracker)
        loop.nextTime = isNews ? now : now + reply.interval
        loop.earliest = isNews ? now : now + (reply.minimumInterval ?? reply.interval)
        loops[request.loop] = loop
        return wake(now: now)
    }

    /// The tracker did not answer, or refused: the loop goes on to its next one.
    public mutating func failed(_ id: TrackerRequestID, _ error: TrackerError, now: Duration) -> [Action] {
        guard let request = requests.removeValue(forKey: id) else { return [] }
        if isStopping {
            sayGoodbye()
            return finish()
        }
        note(error, of: request.tracker)
        loops[request.loop].request = nil
        if case .refused(_, .never) = error { loops[request.loop].refusing.insert(request.tracker) }
        if loops[request.loop].untried.isEmpty { pause(request.loop, error, now) }
        return wake(now: now)
    }

    // MARK: Loops

    private func due(_ index: Int) -> Duration {
        isShortOfPeers ? min(loops[index].nextTime, loops[index].earliest) : loops[index].nextTime
    }

    /// Asks the next tracker of a round, or begins a round.
    private mutating func ask(_ index: Int, _ now: Duration) {
        guard requests.count < Self.maximumRequests else { return }
        if loops[index].untried.isEmpty {
            loops[index].untried = loops[index].tiers.flatMap { tiers[$0] }.filter {
                !loops[index].refusing.contains($0)
            }
        }
        guard !loops[index].untried.isEmpty else {
            // None is left that wants to hear of us.
            loops[index].nextTime = now + .seconds(1 << 30)
            loops[index].earliest = loops[index].nextTime
            return
        }
        let tracker = loops[index].untried.removeFirst()
        trackers[tracker].status.state = .asking
        loops[index].request = send(Request(loop: index, tracker: tracker, event: event(loops[index], tracker)))
    }

    private func event(_ loop: Loop, _ tracker: Int) -> AnnounceEvent {
        if !loop.told.contains(tracker) { return .started }
        if hasCompleted, !loop.knowsCompletion.contains(tracker) { return .completed }
        return isPartialSeed ? .paused : .none
    }

    private mutating func send(_ request: Request) -> TrackerRequestID {
        let id = TrackerRequestID(nextRequest)
        nextRequest += 1
        requests[id] = request
        let tracker = trackers[request.tracker]
        actions.append(
            .announce(
                id,
                tracker.status.url,
                hash: loops[request.loop].hash,
                event: request.event,
                trackerID: tracker.trackerID
            )
        )
        return id
    }

    /// No tracker of the loop works: a pause, with some chance in it so that not all clients come back together.
    private mutating func pause(_ index: Int, _ error: TrackerError, _ now: Duration) {
        let doubled = Self.firstPause * (1 << min(loops[index].failures, 7))
        var pause = min(doubled, Self.longestPause)
        pause += pause * Int.random(in: 0...15, using: &random) / 64
        if case .refused(_, .after(let time)) = error { pause = max(pause, time) }
        loops[index].failures += 1
        loops[index].nextTime = now + pause
        loops[index].earliest = now + pause
    }

    private mutating func promote(_ tracker: Int) {
        let tier = trackers[tracker].status.tier
        guard let place = tiers[tier].firstIndex(of: tracker), place > 0 else { return }
        tiers[tier].remove(at: place)
        tiers[tier].insert(tracker, at: 0)
    }

    private mutating func note(_ reply: AnnounceReply, of index: Int) {
        trackers[index].trackerID = reply.trackerID ?? trackers[index].trackerID
        trackers[index].status.state = .working
        trackers[index].status.seeders = reply.seeders ?? trackers[index].status.seeders
        trackers[index].status.leechers = reply.leechers ?? trackers[index].status.leechers
        trackers[index].status.peers = reply.peers.count
        trackers[index].status.message = reply.warning
        trackers[index].status.error = nil
    }

    private mutating func note(_ error: TrackerError, of index: Int) {
        trackers[index].status.state = .failed
        trackers[index].status.error = error
        if case .refused(let text, _) = error { trackers[index].status.message = text }
    }

    private mutating func sayGoodbye() {
        while requests.count < Self.maximumRequests, !farewells.isEmpty { _ = send(farewells.removeFirst()) }
        if requests.isEmpty { actions.append(.stopped) }
    }

    private mutating func finish() -> [Action] {
        if !isStopping, requests.count < Self.maximumRequests {
            let waiting = loops.indices.filter { loops[$0].request == nil }
            if let next = waiting.map({ due($0) }).min() { actions.append(.wake(at: next)) }
        }
        defer { actions = [] }
        return actions
    }
}
