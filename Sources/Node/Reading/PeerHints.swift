// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import Wire

/// Peers that links named: asked beside those found.
///
/// Thread-safe. Memory: at most ``capacity`` sites with 16 addresses each.
final class PeerHints: Sendable {
    static let capacity = 1024
    private static let peersOfSite = 16
    private let peers = Mutex<[Digest256: [Endpoint]]>([:])

    func add(_ new: [Endpoint], of site: Digest256) {
        guard !new.isEmpty else { return }
        peers.withLock { peers in
            if peers.count >= Self.capacity, peers[site] == nil { peers.removeAll() }
            let known = peers[site] ?? []
            peers[site] = Array((new.filter { !known.contains($0) } + known).prefix(Self.peersOfSite))
        }
    }

    func of(_ site: Digest256) -> [Endpoint] { peers.withLock { $0[site] ?? [] } }
}
