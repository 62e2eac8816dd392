// SPDX-License-Identifier: Apache-2.0

/// A bucket of permits for each key, refilled steadily.
///
/// Memory: at most `capacity` keys. When more are active, keys whose bucket has filled up again are forgotten; if there
/// are none all are, which briefly grants more and never less.
struct RateLimiter<Key: Hashable & Sendable>: Sendable {
    private struct Bucket: Sendable {
        var permits: Double
        var updated: Instant
    }

    let perSecond: Double
    let burst: Double
    private let capacity: Int
    private var buckets: [Key: Bucket] = [:]

    init(perSecond: Double, burst: Double, capacity: Int = 2048) {
        self.perSecond = perSecond
        self.burst = burst
        self.capacity = capacity
    }

    /// Takes `cost` permits if they are there.
    mutating func take(_ key: Key, cost: Double = 1, now: Instant) -> Bool {
        let available = permits(key, now)
        guard available >= cost else { return false }
        if buckets[key] == nil, buckets.count >= capacity { prune(now) }
        buckets[key] = Bucket(permits: available - cost, updated: now)
        return true
    }

    /// When one permit will be there.
    func nextPermit(_ key: Key, now: Instant) -> Instant {
        let missing = max(0, 1 - permits(key, now))
        return now + .seconds(missing / perSecond) + .milliseconds(1)
    }

    private func permits(_ key: Key, _ now: Instant) -> Double {
        guard let bucket = buckets[key] else { return burst }
        let elapsed = (now - bucket.updated) / .seconds(1)
        return min(burst, bucket.permits + max(0, elapsed) * perSecond)
    }

    private mutating func prune(_ now: Instant) {
        let full = burst
        buckets = buckets.filter { permits($0.key, now) < full }
        if buckets.count >= capacity { buckets = [:] }
    }
}
