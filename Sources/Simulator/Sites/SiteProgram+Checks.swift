// SPDX-License-Identifier: Apache-2.0
internal import Feeds

/// What must hold of a host's connections; ``SiteWitness`` knows what must hold of its site.
extension SiteProgram {
    /// Within which what proves a fork by itself is on a disk that takes it.
    private static let proofTime = Duration.milliseconds(100)

    /// No queue of a session is above its bound, and every open connection will be looked at again.
    func touched() {
        for link in links where link.isOpen {
            if !link.hasWake { host.world.violate(.timerIsSet, "a connection and nothing planned", host: host) }
            if let queue = link.session.overfullQueue {
                host.world.violate(.queuesAreBounded, "\(queue.name): \(queue.used) of \(queue.bound)", host: host)
            }
        }
    }

    /// A peer shows a head that contradicts what is followed here, and is not longer: the two prove the theft, whatever else
    /// the peer answers.
    ///
    /// The session's feed grows while it is open. Only where the first one and the present one say the same do all between.
    func expectProof(_ head: SignedHead, _ link: SiteLink) {
        guard let first = link.first?.head, owner.contradict(head, first), head.size <= first.size,
            feed?.head.epoch == head.epoch
        else { return }
        let (refusals, removals) = (disk.refusals, removals)
        after(Self.proofTime) { program in
            guard program.disk.refusals == refusals, program.removals == removals else { return }
            program.proofs.append(head)
        }
    }
}
