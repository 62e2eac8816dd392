// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Wire

/// What came of looking for a site.
struct SiteFinding: Sendable {
    enum Content: Sendable {
        /// A provable history.
        case feed(SiteFeed)
        /// One tree without a history, from a BEP 46 item of somebody who knows no more than that.
        case tree(v1: Digest160?, v2: Digest256?, sequence: Int64)
    }

    var content: Content
    /// How many peers proved that same state just now; 0 where it is what was known before.
    var agreed: Int
    /// How many peers answered.
    var answered: Int

    /// What to call it: a site by its id, however it was asked for; what is no site as it was asked for.
    func address(of asked: SiteAddress) -> SiteAddress { feed.map { .site($0.site) } ?? asked }

    var feed: SiteFeed? {
        guard case .feed(let feed) = content else { return nil }
        return feed
    }
}
