// SPDX-License-Identifier: Apache-2.0
internal import Kademlia
internal import Transport

extension NetworkService {
    /// What the DHT keeps and has under way, each with its bound; nothing where it has ended.
    func queues() async -> [NodeStatus.Torrent.Queue] {
        let loads = try? await dht.inspect { $0.loads }
        return (loads ?? []).map { NodeStatus.Torrent.Queue(name: "DHT " + $0.name, used: $0.used, bound: $0.bound) }
    }
}
