// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Who announced which torrent, for 45 minutes: programs repeat their announces after 15 to 30.
///
/// Memory: at most `infoHashes` × `peersEach` endpoints of about 48 bytes, and never more than `total` of them.
public struct PeerStore: Sendable {
    /// How long an announce counts that is not made again.
    public static let lifetime = Duration.seconds(45 * 60)

    private struct Peer: Sendable {
        let endpoint: Endpoint
        var expires: Instant
        /// BEP 33: it said that it has everything.
        var isSeed: Bool
    }

    private let infoHashes: Int
    private let peersEach: Int
    private let total: Int
    private var swarms: [Digest160: [Peer]] = [:]
    /// Peers of all torrents.
    public private(set) var count = 0

    /// The most torrents, peers of one, and peers of all.
    public init(infoHashes: Int, peersEach: Int, total: Int) {
        self.infoHashes = infoHashes
        self.peersEach = peersEach
        self.total = total
    }

    /// How many torrents have peers.
    public var infoHashCount: Int { swarms.count }

    /// A public address counts once for each torrent, whatever its port (BEP 33 "Changed announce accounting"); on local
    /// networks many may share one.
    ///
    /// - Returns: false when there is no room.
    @discardableResult
    public mutating func announce(_ peer: Endpoint, isSeed: Bool = false, for infoHash: Digest160, now: Instant) -> Bool
    {
        let new = Peer(endpoint: peer, expires: now + Self.lifetime, isSeed: isSeed)
        let isShared = peer.address.isLocal
        let known = swarms[infoHash]?.firstIndex {
            $0.endpoint == peer || !isShared && $0.endpoint.address == peer.address
        }
        if let known {
            swarms[infoHash]?[known] = new
            return true
        }
        guard makeRoom(for: infoHash, now: now) else { return false }
        swarms[infoHash, default: []].append(new)
        count += 1
        return true
    }

    /// Whether one more peer fits; where a swarm is full its peer that is nearest to expiry goes.
    private mutating func makeRoom(for infoHash: Digest160, now: Instant) -> Bool {
        if count >= total || swarms[infoHash] == nil && swarms.count >= infoHashes { expire(now: now) }
        guard let swarm = swarms[infoHash] else { return count < total && swarms.count < infoHashes }
        guard swarm.count >= peersEach else { return count < total }
        guard let oldest = swarm.indices.min(by: { swarm[$0].expires < swarm[$1].expires }) else { return false }
        swarms[infoHash]?.remove(at: oldest)
        count -= 1
        return true
    }

    /// Shows up to `limit` peers of one family, a random part where there are more: every `stride`th from a random one on.
    func visit(
        _ infoHash: Digest160,
        family: AddressFamily,
        limit: Int,
        now: Instant,
        withoutSeeds: Bool = false,
        random: UInt64,
        _ body: (Endpoint) -> Void
    ) {
        guard let swarm = swarms[infoHash], limit > 0, !swarm.isEmpty else { return }
        var index = 0
        var stride = 1
        if swarm.count > limit {
            index = Int(random >> 32) % swarm.count
            // One of these divides no count below their product, and then the walk meets every peer once.
            stride = [7, 11, 13, 17].first { swarm.count % $0 != 0 } ?? 1
        }
        var shown = 0
        for _ in 0..<swarm.count where shown < limit {
            let peer = swarm[index]
            index = (index + stride) % swarm.count
            guard peer.expires > now, peer.endpoint.family == family, !withoutSeeds || !peer.isSeed else { continue }
            body(peer.endpoint)
            shown += 1
        }
    }

    /// The same as a list.
    public func peers(
        for infoHash: Digest160,
        family: AddressFamily,
        limit: Int,
        now: Instant,
        using generator: inout some RandomNumberGenerator
    ) -> [Endpoint] {
        var found: [Endpoint] = []
        visit(infoHash, family: family, limit: limit, now: now, random: generator.next()) { found.append($0) }
        return found
    }

    /// The addresses of those who have everything, and of those who do not (BEP 33 "Scrape").
    func filters(for infoHash: Digest160, now: Instant) -> (seeds: BloomFilter, peers: BloomFilter)? {
        guard let swarm = swarms[infoHash] else { return nil }
        var (seeds, peers) = (BloomFilter(), BloomFilter())
        for peer in swarm where peer.expires > now {
            if peer.isSeed { seeds.insert(peer.endpoint.address) } else { peers.insert(peer.endpoint.address) }
        }
        return (seeds, peers)
    }

    /// Up to `limit` torrents that have peers, a random part where there are more (BEP 51).
    func sample(limit: Int, using generator: inout some RandomNumberGenerator) -> [Digest160] {
        guard swarms.count > limit else { return swarms.keys.sorted() }
        // Reservoir sampling: one pass, whatever their number.
        var chosen: [Digest160] = []
        for (number, infoHash) in swarms.keys.sorted().enumerated() {
            if number < limit {
                chosen.append(infoHash)
            } else {
                let place = Int.random(in: 0...number, using: &generator)
                if place < limit { chosen[place] = infoHash }
            }
        }
        return chosen
    }

    /// Forgets announces that were not made again in time.
    public mutating func expire(now: Instant) {
        for (infoHash, swarm) in swarms where swarm.contains(where: { $0.expires <= now }) {
            let live = swarm.filter { $0.expires > now }
            count -= swarm.count - live.count
            swarms[infoHash] = live.isEmpty ? nil : live
        }
    }
}
