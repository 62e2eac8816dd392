// SPDX-License-Identifier: Apache-2.0

/// How many blocks to have asked one peer for: enough to fill bandwidth × delay, no more than it takes.
///
/// Grows with each block that comes while a second brings more than the one before, faster than TCP's slow start; afterwards
/// it follows the rate of the last seconds.
struct RequestPipeline: Sendable {
    /// Before anything is known: half a MiB, so that the first round trips are not wasted, and a slow seed does not owe
    /// everybody the same megabytes.
    static let initialDepth = 32
    static let minimumDepth = 8
    /// The same where there are others to ask: each shows what it can before it is relied on.
    static let modestDepth = 8
    /// Where the other side gives no `reqq`.
    static let assumedPeerLimit = 250
    /// By how many blocks it grows with one that comes. TCP's slow start doubles what is under way in a round trip; requests that
    /// merely did the same would run out now and then, and a sender without work does not find out how fast the line is.
    private static let growth = 2
    private static let interval = Duration.seconds(1)

    /// How many requests the peer keeps (`reqq`).
    var peerLimit = Self.assumedPeerLimit
    /// The most that we ask for at once.
    let ownLimit: Int
    /// Bytes a second, smoothed.
    private(set) var rate = 0
    private var depthGoal = Self.initialDepth
    private var isSlowStart = true
    private var isModest = false
    private var intervalStart: Duration
    private var intervalBytes = 0

    init(ownLimit: Int, now: Duration) {
        self.ownLimit = ownLimit
        intervalStart = now
    }

    var depth: Int { max(1, min(depthGoal, peerLimit, ownLimit)) }

    /// There are many to ask: begins with ``modestDepth``, unless something has come already.
    mutating func beginModestly() {
        guard depthGoal == Self.initialDepth, isSlowStart, intervalBytes == 0 else { return }
        depthGoal = Self.modestDepth
        isModest = true
    }

    mutating func received(bytes: Int, now: Duration) {
        intervalBytes += bytes
        if isSlowStart { depthGoal = min(depthGoal + (isModest ? 1 : Self.growth), ownLimit) }
        if now - intervalStart >= Self.interval { endInterval(now) }
    }

    /// The peer has let its requests lie: start again from little.
    mutating func stalled(now: Duration) {
        isSlowStart = false
        depthGoal = Self.minimumDepth
        rate = 0
        intervalStart = now
        intervalBytes = 0
    }

    /// Brings the rate down while nothing comes.
    mutating func tick(now: Duration) {
        if now - intervalStart >= Self.interval * 2 { endInterval(now) }
    }

    private mutating func endInterval(_ now: Duration) {
        let milliseconds = max(1, (now - intervalStart).wholeMilliseconds)
        let current = intervalBytes * 1000 / milliseconds
        // While each second is a tenth faster than the last, there is more to be had.
        if current < rate + rate / 10 { isSlowStart = false }
        rate = rate == 0 ? current : (rate + current) / 2
        if !isSlowStart {
            let twoSeconds = 2 * max(rate, current) / TorrentSpecification.blockLength
            depthGoal = max(Self.minimumDepth, twoSeconds + 4)
        }
        intervalStart = now
        intervalBytes = 0
    }
}

extension Duration {
    /// Whole milliseconds, cut.
    var wholeMilliseconds: Int {
        Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000)
    }
}
