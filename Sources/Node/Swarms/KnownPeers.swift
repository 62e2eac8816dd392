// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Swarm
internal import Wire

/// Peers that are tried before any search.
struct KnownPeers: Equatable, Sendable, ExpressibleByArrayLiteral {
    /// Given by the user: tried again for as long as the torrent is open.
    var named: [Endpoint] = []
    /// Believed to hold what is wanted, and alive: earlier failures count no more.
    var holders: [Endpoint] = []

    init(named: [Endpoint] = [], holders: [Endpoint] = []) {
        self.named = named
        self.holders = holders
    }

    var all: [Endpoint] { named + holders }

    init(arrayLiteral elements: Endpoint...) { holders = elements }
}

extension Torrent {
    func add(_ peers: KnownPeers) {
        add(peers: peers.named, source: .user)
        add(peers: peers.holders, isAlive: true)
    }
}
