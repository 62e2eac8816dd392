// SPDX-License-Identifier: Apache-2.0

/// How long to wait before something is announced or put again.
///
/// Each time shows how many of the nodes that took it the time before are still the ones to take it. The next pause is
/// chosen so that of five three would be; so it is long where nodes stay and short where they come and go.
struct RepublishPace: Sendable {
    /// Before there is anything to judge by.
    let first: Duration
    let shortest: Duration
    let longest: Duration

    init(_ publication: Publication, _ policy: KeepPolicy) {
        switch (publication, policy) {
        case (.peer, _):
            // BEP 5 names no time; others forget a peer after 30 to 45 minutes.
            (first, shortest, longest) = (.seconds(300), .seconds(180), .seconds(900))
        case (_, .borrowed):
            (first, shortest, longest) = (.seconds(1800), .seconds(900), DHTSpecification.republishInterval)
        case (_, .own), (_, .once):
            (first, shortest, longest) = (.seconds(300), .seconds(180), .seconds(1800))
        }
    }

    /// `remaining` of `all` nodes were still there after `time`.
    func next(after time: Duration, remaining: Int, of all: Int) -> Duration {
        // Nodes leave independently, so the share decays exponentially: share = exp(-time / life).
        let factor = Self.factors[min(remaining * 8 / max(all, 1), 8)]
        return min(max(time * factor, shortest), longest)
    }

    /// ln(3/5) ÷ ln(share) for shares of 0 (as 1/16) to 8 eighths, at most 2: one observation may not double it twice.
    private static let factors = [0.25, 0.25, 0.37, 0.52, 0.74, 1.09, 1.78, 2, 2]

    /// Nobody took it: ten seconds, then twice as long each time.
    func afterFailure(_ failuresBefore: Int) -> Duration {
        min(.seconds(10) * (1 << min(failuresBefore, 10)), first)
    }
}
