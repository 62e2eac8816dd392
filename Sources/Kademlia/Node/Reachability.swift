// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Whether others reach this node without having been written to first, so that no router or firewall is in the way.
///
/// Whoever asks us something and was not written to for ten minutes is a stranger: routers forget a way back after five
/// minutes at most. Memory: at most 8192 addresses of about 40 bytes.
struct Reachability: Sendable {
    private static let generation = Duration.seconds(600)
    private static let capacity = 4096
    /// How long a stranger's visit counts.
    private static let validity = Duration.seconds(1800)

    private var recent: Set<Endpoint> = []
    private var earlier: Set<Endpoint> = []
    /// Whether addresses did not fit: then nobody can be told to be a stranger.
    private var isRecentFull = false
    private var isEarlierFull = false
    private var began = Instant.zero
    private var lastStranger: Instant?

    mutating func wrote(to endpoint: Endpoint, now: Instant) {
        if now - began >= Self.generation {
            (earlier, isEarlierFull) = now - began < Self.generation * 2 ? (recent, isRecentFull) : ([], false)
            (recent, isRecentFull) = ([], false)
            began = now
        }
        if recent.count < Self.capacity { recent.insert(endpoint) } else { isRecentFull = true }
    }

    mutating func heard(from endpoint: Endpoint, now: Instant) {
        // Once a minute is often enough, and most queries then cost no look into the sets.
        if let lastStranger, now - lastStranger < .seconds(60) { return }
        guard !isRecentFull, !isEarlierFull, !recent.contains(endpoint), !earlier.contains(endpoint) else { return }
        lastStranger = now
    }

    func holds(now: Instant) -> Bool { lastStranger.map { now - $0 < Self.validity } ?? false }
}
