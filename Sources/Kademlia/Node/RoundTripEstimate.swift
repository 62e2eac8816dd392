// SPDX-License-Identifier: Apache-2.0

/// How long answers take, of one node or of all, and so how long it is worth to wait for one (RFC 6298 §2, as TCP does).
struct RoundTripEstimate: Equatable, Sendable {
    /// Seconds.
    private var mean: Float = 0.150
    private var deviation: Float = 0.075
    private(set) var hasSamples = false

    mutating func add(_ sample: Duration) {
        let seconds = Float(max(0, sample / .seconds(1)))
        guard hasSamples else {
            // RFC 6298 (2.2): the first answer says more than what was assumed before it.
            (mean, deviation, hasSamples) = (seconds, seconds / 2, true)
            return
        }
        deviation += (abs(seconds - mean) - deviation) / 4
        mean += (seconds - mean) / 8
    }

    private var bound: Double { Double(mean + 4 * deviation) }

    /// After this a query holds up no further ones: 40 ms to 1 s.
    var short: Duration { .seconds(min(1, max(0.040, bound))) }

    /// After this a lookup no longer waits for the answer, though it still counts if it comes: 120 ms to 1 s.
    var patience: Duration { .seconds(min(1, max(0.120, 2 * bound))) }
}
