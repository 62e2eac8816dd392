// SPDX-License-Identifier: Apache-2.0

/// How many requests a peer may still make: a bucket that fills with time.
struct RequestBudget: Sendable {
    enum Verdict: Sendable { case serve, refuse, close }

    private var tokens: Int
    private var lastFill: ContinuousClock.Instant

    init(now: ContinuousClock.Instant) {
        tokens = SiteExchangeSpecification.requestBurst
        lastFill = now
    }

    /// Counts one request. A peer that goes on long after it was refused is to be left.
    mutating func take(now: ContinuousClock.Instant) -> Verdict {
        let elapsed = now - lastFill
        if elapsed >= .seconds(1) {
            let seconds = Int(min(elapsed.components.seconds, 3600))
            tokens = min(
                SiteExchangeSpecification.requestBurst,
                tokens + seconds * SiteExchangeSpecification.requestsPerSecond
            )
            lastFill = now
        }
        tokens -= 1
        if tokens >= 0 { return .serve }
        return tokens >= -SiteExchangeSpecification.requestBurst ? .refuse : .close
    }
}
