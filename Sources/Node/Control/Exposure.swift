// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// What others can see of this node: it is in a swarm while it has a torrent of it open, and while it tells the DHT that it
/// holds the site, whether somebody comes for it or not.
struct Exposure: Equatable, Sendable {
    /// Sites that are announced or open.
    var sites: Set<Digest256> = []
    /// Open torrents that are no site's, each by the hash under which it was found.
    var trees: Set<Digest160> = []
    /// Whether there is a DHT whose nodes know the address.
    var isInDHT = false
    /// Where it listens, in each family.
    var addresses: [Endpoint]

    /// One plain sentence.
    var text: String {
        if addresses.allSatisfy(\.address.isLoopback) { return "visible to nobody outside this machine" }
        switch sites.count + trees.count {
        case 0: return "in no swarm now" + (isInDHT ? "; nodes of the DHT see your address" : ", and in no DHT")
        case 1: return "visible to anyone in this swarm: your address"
        case let swarms: return "visible to anyone in these \(swarms) swarms: your address"
        }
    }
}

extension Node {
    /// As it is now, and as it will be once `address` is read too.
    func exposure(with address: SiteAddress? = nil) async -> Exposure {
        let (open, trees) = await swarms.openSwarms()
        var exposure = Exposure(
            sites: open.union(sites.announced),
            trees: trees,
            isInDHT: await network.nodeCount > 0,
            addresses: listens
        )
        switch address {
        case .site, .key: exposure.sites.formUnion(address.map { [$0.id] } ?? [])
        case .tree(let v1, let v2):
            let hashes = [v2?.truncated, v1].compactMap { $0 }
            if trees.isDisjoint(with: hashes) { exposure.trees.formUnion(hashes.prefix(1)) }
        case nil: break
        }
        return exposure
    }
}
