// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Wire

extension KeepingService {
    /// Gets a site that somebody asked us to keep, serves it and says so in the DHT. Until its user opens it, it is
    /// none of this node's own: the quota takes it again when it has been unwanted longest.
    ///
    /// - Returns: the number of the release that is kept.
    func takeIn(
        _ offer: PushOffer,
        from publisher: Endpoint?,
        report: @escaping @Sendable (NodeProgress) -> Void
    ) async throws(NodeError) -> Int64 {
        let peers = publisher.map { [$0] } ?? []
        let feed = try await sites.refresh(.site(offer.site), peers: peers).feed
        guard let release = feed?.state.newest?.release, release.seq >= offer.seq, release.bytes <= offer.bytes else {
            throw NodeError(
                .badData,
                "the site is not as it was offered",
                remedy: "Its publisher may push it again."
            )
        }
        let wanted = SiteRelease(site: offer.site, release: release)
        try await fetcher.fetch(release: wanted, peers: KnownPeers(holders: peers), report: report)
        try await held.survey(offer.site)
        // The publisher may be gone the moment that it hears of it: readers must find us by then.
        _ = await sites.network.announceHolding(SiteLocations.holders(of: offer.site))
        return release.seq
    }
}
