// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent

/// What must hold.
extension SwarmProgram {
    /// Nothing is offered that is not on the disk as it should be, no queue is longer than its bound, a timer is planned,
    /// and nothing that is known of a peer names its user.
    func check() {
        checkQueues()
        let world = host.world
        if !streams.isEmpty, !host.hasWake {
            world.violate(.timerIsSet, "\(streams.count) connections and nothing planned", host: host)
        }
        if world.namesUsers {
            for peer in session.peers where peer.client.map({ world.hasName(Array($0.utf8)) }) ?? false {
                return world.violate(.noNames, "a peer is shown with its user's name", host: host)
            }
        }
        guard session.have.setCount != checkedPieces else { return }
        checkedPieces = session.have.setCount
        for piece in torrent.pieces.indices where session.have[piece] && disk.written[piece] != torrent.pieces[piece] {
            return world.violate(.offeredIsVerified, "piece \(piece) is offered and not there", host: host)
        }
    }

    /// One piece or message always passes.
    private static func slack(of queue: SessionQueue) -> Int { queue.bound >= 1 << 20 ? 1 << 16 : 0 }

    func checkQueues() {
        for queue in session.queues where queue.used > queue.bound + Self.slack(of: queue) {
            return host.world.violate(
                .queuesAreBounded,
                "\(queue.name): \(queue.used) of \(queue.bound)",
                host: host
            )
        }
    }
}
