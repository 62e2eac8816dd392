// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Swarm
internal import Wire

extension SwarmService {
    /// What all torrents have moved since the start, closed ones included, in payload bytes.
    struct Totals: Equatable, Sendable {
        var down: Int64 = 0
        var up: Int64 = 0
    }

    func totals() async -> Totals {
        var totals = Totals(down: closedDown, up: closedUp)
        for entry in Array(open.values) {
            guard let status = await entry.torrent.status() else { continue }
            totals.down += status.downloaded
            totals.up += status.uploaded
        }
        return totals
    }

    /// The sites whose torrents are open now, and the torrents of no site.
    func openSwarms() -> (sites: Set<Digest256>, trees: Set<Digest160>) {
        (Set(open.values.compactMap(\.site)), Set(open.filter { $0.value.site == nil }.keys))
    }

    /// The torrents that are open now, by name.
    func torrents() async -> [NodeStatus.Torrent] {
        var torrents: [NodeStatus.Torrent] = []
        for entry in Array(open.values) {
            guard let status = await entry.torrent.status() else { continue }
            let pieces = max(1, status.pieces ?? 1)
            torrents.append(
                NodeStatus.Torrent(
                    name: entry.name,
                    v1: entry.torrent.infoHashes.v1?.hex,
                    v2: entry.torrent.infoHashes.v2?.hex,
                    progress: Double(status.havePieces) / Double(pieces),
                    state: Self.state(status, entry),
                    peers: status.peers,
                    down: status.downloaded,
                    up: status.uploaded,
                    queues: status.queues.map { .init(name: $0.name, used: $0.used, bound: $0.bound) }
                )
            )
        }
        return torrents.sorted { ($0.name, $0.v2 ?? "", $0.v1 ?? "") < ($1.name, $1.v2 ?? "", $1.v1 ?? "") }
    }

    private static func state(_ status: SessionStatus, _ entry: OpenTorrent) -> String {
        guard status.pieces != nil else { return "fetching metadata" }
        if status.missingPieces > 0 { return entry.sparse == nil ? "fetching" : "reading" }
        return status.havePieces == status.pieces ? "seeding" : "serving what was read"
    }

    /// The peers connected now, for all torrents.
    func peers() async -> [PeerSummary] {
        var peers: [PeerSummary] = []
        for entry in Array(open.values) {
            for peer in await entry.torrent.connectedPeers() {
                peers.append(
                    PeerSummary(
                        address: "\(peer.endpoint)",
                        client: peer.client ?? "",
                        swarm: entry.name,
                        progress: peer.progress,
                        down: peer.downloaded,
                        up: peer.uploaded,
                        incoming: !peer.isOutgoing
                    )
                )
            }
        }
        return peers.sorted { ($0.swarm, $0.address) < ($1.swarm, $1.address) }
    }
}
