// SPDX-License-Identifier: Apache-2.0
internal import Feeds

/// Where the pages of an address come from.
enum ReleaseSource: Sendable {
    /// A site with a history.
    case feed(SiteFeed)
    /// One tree without a history.
    case tree(BareTree)
}

/// What a page load is pinned to.
enum PinnedRelease: Sendable {
    case release(SiteRelease)
    case tree(BareTree)
}
