// SPDX-License-Identifier: Apache-2.0
internal import Swarm

extension SwarmService {
    /// Takes over the limits that the configuration has now, for what is open and what will be.
    func followLimits() {
        let (limits, network) = (context.configuration.limits, context.configuration.network)
        swarm.setRates(TransferRates(limits.everything))
        swarm.setRates(TransferRates(limits.network), ofClass: network)
        swarm.setLimits(connections: limits.maximumPeers, dials: limits.maximumDials)
        for entry in open.values { entry.torrent.setRates(TransferRates(limits.torrent)) }
    }
}
