// SPDX-License-Identifier: Apache-2.0

/// How long acknowledgements take, in microseconds (BEP 29 "timeouts").
struct UTPRoundTrip: Sendable {
    /// Smoothed; nil before the first sample.
    private(set) var mean: Int64?
    private(set) var variance: Int64 = 0
    /// The shortest ever seen.
    private(set) var smallest = Int64.max
    private(set) var latest: Int64 = 0

    mutating func add(_ sample: Int64) {
        let sample = max(1, sample)
        latest = sample
        smallest = min(smallest, sample)
        guard let mean else {
            mean = sample
            variance = sample / 2
            return
        }
        variance += (abs(mean - sample) - variance) / 4
        self.mean = max(1, mean + (sample - mean) / 8)
    }

    /// What to wait before everything that is not acknowledged counts as lost.
    var timeout: Int64 {
        guard let mean else { return UTPSpecification.initialTimeout }
        return max(mean + 4 * variance, UTPSpecification.minimumTimeout)
    }

    /// What to wait before asking after the last packet of a run (RFC 8985 §7.2): nothing behind it makes its loss known.
    var probeTimeout: Int64 {
        guard let mean else { return UTPSpecification.initialTimeout }
        return max(2 * mean, mean + 4 * variance, 10_000)
    }

    /// A packet sent this long before one that has arrived is lost (RFC 9002 §6.1.2).
    var reorderingLimit: Int64 { max(max(mean ?? 0, latest) * 9 / 8, 1000) }
}
