// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import Wire

/// What links said beside their address: peers, which are asked beside those found, trackers and web seeds.
///
/// Thread-safe. Memory: at most ``capacity`` sites with 16 addresses and the sources of one link each.
final class LinkHints: Sendable {
    static let capacity = 1024
    private static let peersOfSite = 16

    private struct Entry {
        var peers: [Endpoint] = []
        var sources = SourceHints()
    }

    private let entries = Mutex<[Digest256: Entry]>([:])

    func add(_ link: SiteLink) {
        guard !link.peers.isEmpty || !link.sources.isEmpty else { return }
        entries.withLock { entries in
            let id = link.address.id
            if entries.count >= Self.capacity, entries[id] == nil { entries.removeAll() }
            var entry = entries[id] ?? Entry()
            entry.peers = Array(
                (link.peers.filter { !entry.peers.contains($0) } + entry.peers).prefix(Self.peersOfSite)
            )
            if !link.sources.isEmpty { entry.sources = link.sources }
            entries[id] = entry
        }
    }

    /// Peers of a site or tree.
    func of(_ site: Digest256) -> [Endpoint] { entries.withLock { $0[site]?.peers ?? [] } }

    /// All that is to be tried for a tree.
    func known(_ tree: Digest256) -> KnownPeers {
        entries.withLock { KnownPeers(holders: $0[tree]?.peers ?? [], sources: $0[tree]?.sources ?? SourceHints()) }
    }
}
