// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Swarm
internal import Wire

/// What is tried before any search: peers, and where the link or the release says more are found.
struct KnownPeers: Equatable, Sendable, ExpressibleByArrayLiteral {
    /// Given by the user: tried again for as long as the torrent is open.
    var named: [Endpoint] = []
    /// Have said on a connection for the site that they hold the whole release.
    var whole: [Endpoint] = []
    /// Believed to hold what is wanted, and alive: earlier failures count no more.
    var holders: [Endpoint] = []
    /// Trackers and web seeds.
    var sources = SourceHints()

    init(
        named: [Endpoint] = [],
        whole: [Endpoint] = [],
        holders: [Endpoint] = [],
        sources: SourceHints = SourceHints()
    ) {
        self.named = named
        self.whole = whole
        self.holders = holders
        self.sources = sources
    }

    var all: [Endpoint] { named + holders }

    init(arrayLiteral elements: Endpoint...) { holders = elements }
}

extension SwarmService {
    /// Tries what is known of an open torrent.
    func meet(_ known: KnownPeers, for hash: Digest160) {
        guard let torrent = open[hash]?.torrent else { return }
        torrent.add(peers: known.whole, isAlive: true, holdAll: true)
        torrent.add(peers: known.named, source: .user)
        torrent.add(peers: known.holders, isAlive: true)
        use(known.sources, for: hash)
    }

    /// Asks trackers and web seeds from now on, in place of those of before.
    func use(_ sources: SourceHints, for hash: Digest160) {
        guard let entry = open[hash], !sources.isEmpty, entry.sources != sources else { return }
        open[hash]?.sources = sources
        let policy = context.configuration.sourcePolicy
        entry.torrent.announce(to: sources.tiers(policy))
        let known = Set(entry.sources.seeds(policy))
        entry.torrent.use(webSeeds: sources.seeds(policy).filter { !known.contains($0) })
    }
}
