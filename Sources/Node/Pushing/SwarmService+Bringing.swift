// SPDX-License-Identifier: Apache-2.0
internal import Swarm
internal import Wire

extension SwarmService {
    /// Connects to a peer that wants the newest release served of a site: it may not be able to reach us.
    func bring(_ site: Digest256, to peer: Endpoint) async {
        let releases = served.filter { $0.value.site == site && $0.value.kind == .v2 }
        guard let newest = releases.max(by: { $0.value.sequence < $1.value.sequence }) else { return }
        let torrent = try? await openWhole(newest.value, hash: newest.key)
        torrent?.add(peers: [peer], isAlive: true)
    }
}
