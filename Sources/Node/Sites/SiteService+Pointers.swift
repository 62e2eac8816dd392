// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Kademlia
internal import Keys
internal import Wire

/// What the owner's words in the DHT lead to.
extension SiteService {
    func tree(under key: PublicKey, salt: [UInt8], trace: SiteTrace) async -> SiteFinding? {
        guard let item = await network.readItem(key: key, salt: salt) else { return nil }
        trace.note("pointer \(item.sequence) under a salted key")
        return Self.finding(item)
    }

    static func finding(_ item: MutableItem) -> SiteFinding? {
        guard let pointer = try? SitePointer(value: item.value) else { return nil }
        let content = SiteFinding.Content.tree(
            v1: pointer.infohash,
            v2: pointer.infohashV2,
            sequence: item.sequence
        )
        return SiteFinding(content: content, agreed: 0, answered: 0)
    }

    /// Looks for those who hold the recovery of a site, and takes it over if there is one.
    func searchRecovery(of site: Digest256) async {
        guard let feed = try? await feed(of: site) else { return }
        var asked = 0
        for await peers in network.peers(for: SiteLocations.recovery(feed.state.recovery)) {
            for endpoint in peers where asked < SiteSearch.maximumPeers {
                asked += 1
                dial(endpoint, for: site) { _ in }
            }
        }
    }
}
