// SPDX-License-Identifier: Apache-2.0

/// How long answers take here and now, and so how long it is worth to wait for one (as RFC 6298 does for TCP).
struct RoundTripEstimate: Sendable {
    private var mean: Double = 0.150
    private var deviation: Double = 0.075

    mutating func add(_ sample: Duration) {
        let seconds = max(0, sample / .seconds(1))
        deviation += (abs(seconds - mean) - deviation) / 4
        mean += (seconds - mean) / 8
    }

    /// After this a query holds up no further ones: 40 ms to 1 s.
    var short: Duration { .seconds(min(1, max(0.040, mean + 4 * deviation))) }

    /// After this a lookup no longer waits for the answer, though it still counts if it comes: 120 ms to 1 s.
    var patience: Duration { .seconds(min(1, max(0.120, 2 * (mean + 4 * deviation)))) }
}
