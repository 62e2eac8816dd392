// SPDX-License-Identifier: Apache-2.0
internal import NIOCore

/// The time that connections to peers of a site go by.
struct ExchangeClock: Sendable {
    /// How many seconds one of this clock takes, at least 1. More than one for tests of what is said, not of how soon, on a
    /// machine that may be busy for minutes.
    let slowness: Int
    private let start = ContinuousClock.now

    init(slowness: Int = 1) { self.slowness = slowness }

    var now: ContinuousClock.Instant { start + (ContinuousClock.now - start) / slowness }

    /// So much of real time.
    func real(_ time: TimeAmount) -> TimeAmount { time * slowness }
    /// So much of real time.
    func real(_ time: Duration) -> Duration { time * slowness }
}
