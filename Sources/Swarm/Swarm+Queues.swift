// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
internal import NIOCore
internal import Transport

extension Swarm {
    /// What all torrents together hold of peers, each with its bound. Those of one torrent are in its status.
    public func queues() async -> [SessionQueue] {
        let (services, listener) = (services, listener)
        let (connections, dials) = (services.budget.load, services.dials.load)
        let shared = [
            SessionQueue("connections of all torrents", connections.used, connections.bound),
            SessionQueue("dials of all torrents", dials.used, dials.bound),
        ]
        let found = try? await services.loop.submit {
            [listener.queue] + (services.connector.value.utp?.queues ?? [])
        }.get()
        return shared + (found ?? [])
    }
}
