// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent

/// What must hold.
extension SwarmProgram {
    /// Nothing is offered that is not on the disk as it should be, no queue is longer than its bound, a timer is planned,
    /// and nothing that is known of a peer names its user.
    ///
    /// Queues are counted over all connections: with every so many of the events only, where ``queuesEvery`` says so.
    func touched() {
        touches &+= 1
        if touches % queuesEvery == 0 { checkQueues() }
        let world = host.world
        if !streams.isEmpty, !host.hasWake {
            world.violate(.timerIsSet, "\(streams.count) connections and nothing planned", host: host)
        }
        if world.namesUsers {
            for peer in session.peers where peer.client.map({ world.hasName(Array($0.utf8)) }) ?? false {
                return world.violate(.noNames, "a peer is shown with its user's name", host: host)
            }
        }
        checkOffered()
    }

    /// But for what the disk said was safe and was not: that is believed until it is read.
    private func checkOffered() {
        guard session.have != checked.pieces || disk.changes != checked.changes else { return }
        checked = (session.have, disk.changes)
        for piece in torrent.pieces.indices
        where session.have[piece] && !disk.forgotten.contains(piece) && !isOnDisk(piece) {
            return host.world.violate(.offeredIsVerified, "piece \(piece) is offered and not there", host: host)
        }
    }

    private func isOnDisk(_ piece: Int) -> Bool { disk.written[piece] == torrent.pieces[piece] }

    /// Everything is offered, and is there.
    var isWhole: Bool { isComplete && torrent.pieces.indices.allSatisfy { isOnDisk($0) } }

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
