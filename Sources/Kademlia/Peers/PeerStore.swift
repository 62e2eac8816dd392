// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Who announced which torrent, for 45 minutes: programs repeat their announces after 15 to 30.
///
/// Memory: at most `infoHashes` × `peersEach` endpoints of about 40 bytes, and never more than `total` of them.
public struct PeerStore: Sendable {
    public static let lifetime = Duration.seconds(45 * 60)

    private let infoHashes: Int
    private let peersEach: Int
    private let total: Int
    private var swarms: [Digest160: [Endpoint: Instant]] = [:]
    public private(set) var count = 0

    public init(infoHashes: Int, peersEach: Int, total: Int) {
        self.infoHashes = infoHashes
        self.peersEach = peersEach
        self.total = total
    }

    /// - Returns: false when there is no room.
    @discardableResult
    public mutating func announce(_ peer: Endpoint, for infoHash: Digest160, now: Instant) -> Bool {
        let known = swarms[infoHash]?[peer] != nil
        if !known, !makeRoom(for: infoHash, now: now) { return false }
        swarms[infoHash, default: [:]][peer] = now + Self.lifetime
        if !known { count += 1 }
        return true
    }

    /// Whether one more peer fits; where a swarm is full its peer that is nearest to expiry goes.
    private mutating func makeRoom(for infoHash: Digest160, now: Instant) -> Bool {
        if count >= total || swarms[infoHash] == nil && swarms.count >= infoHashes { expire(now: now) }
        guard let swarm = swarms[infoHash] else { return count < total && swarms.count < infoHashes }
        guard swarm.count >= peersEach else { return count < total }
        guard let oldest = swarm.min(by: { $0.value < $1.value })?.key else { return false }
        swarms[infoHash]?[oldest] = nil
        count -= 1
        return true
    }

    /// Up to `limit` peers of one family, a random part where there are more.
    public func peers(
        for infoHash: Digest160,
        family: AddressFamily,
        limit: Int,
        now: Instant,
        using generator: inout some RandomNumberGenerator
    ) -> [Endpoint] {
        guard let swarm = swarms[infoHash], limit > 0 else { return [] }
        let live = swarm.filter { $0.value > now && $0.key.family == family }.keys
        guard live.count > limit else { return Array(live) }
        return Array(live.shuffled(using: &generator).prefix(limit))
    }

    public mutating func expire(now: Instant) {
        for (infoHash, swarm) in swarms {
            let live = swarm.filter { $0.value > now }
            count -= swarm.count - live.count
            swarms[infoHash] = live.isEmpty ? nil : live
        }
    }
}
