// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Storage
internal import Swarm

extension Node {
    /// What waits in the services of the node, each with its bound.
    func queues() async -> [NodeStatus.Torrent.Queue] {
        let shared = await swarms.swarm.queues().map {
            NodeStatus.Torrent.Queue(name: $0.name, used: $0.used, bound: $0.bound)
        }
        let store = context.content
        return [
            NodeStatus.Torrent.Queue(name: "swarm jobs", used: swarms.enqueue.count, bound: swarms.enqueue.bound),
            NodeStatus.Torrent.Queue(
                name: "open torrents",
                used: await swarms.open.count,
                bound: SwarmService.maximumOpen
            ),
            NodeStatus.Torrent.Queue(name: "site jobs", used: sites.enqueue.count, bound: sites.enqueue.bound),
            NodeStatus.Torrent.Queue(
                name: "site connections",
                used: sites.connectionCount,
                bound: SiteService.maximumConnections
            ),
            NodeStatus.Torrent.Queue(name: "files open", used: store.openFiles.used, bound: store.openFiles.bound),
            NodeStatus.Torrent.Queue(
                name: "wants not written down",
                used: context.keeper.unwritten,
                bound: Keeper.maximumUnwritten
            ),
        ] + shared + (await network.queues())
    }
}
