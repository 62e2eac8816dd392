// SPDX-License-Identifier: Apache-2.0

/// What becomes of a feed that came from elsewhere, beside what is kept here.
///
/// What was accepted once is never undercut, also when the site was removed in between: the highest head stays.
public struct FeedAcceptance: Sendable {
    /// What is to be kept; nil where nothing is known and the other is not believed.
    public let feed: SiteFeed?
    /// Whether that is something else than what was known.
    public let hasChanged: Bool
    /// The writer signed the other beside the highest head: its head is evidence, to be kept.
    public let contradictsHighest: Bool

    /// - Parameters:
    ///   - other: read entry by entry, with a head whose signature holds.
    ///   - known: as it is kept; nil for a site never met, or removed.
    ///   - highest: the highest head ever accepted.
    public init(of other: SiteFeed, known: SiteFeed?, highest: SignedHead?) {
        self.init(of: other, known: known, highest: highest, defect: nil)
    }

    package init(of other: SiteFeed, known: SiteFeed?, highest: SignedHead?, defect: FeedDefect?) {
        if var feed = known {
            feed.merge(other)
            if defect == .forgetsEvidence, feed.head == known?.head { feed = known ?? feed }
            self.init(feed: feed, hasChanged: feed != known)
        } else if let highest, defect != .acceptsLowerHead, !Self.isBelievable(other, highest, defect) {
            self.init(feed: nil, hasChanged: false, contradictsHighest: Self.contradicts(other, highest))
        } else {
            self.init(feed: other, hasChanged: true)
        }
    }

    private init(feed: SiteFeed?, hasChanged: Bool, contradictsHighest: Bool = false) {
        self.feed = feed
        self.hasChanged = hasChanged
        self.contradictsHighest = contradictsHighest
    }

    /// Whether a feed may be the first one of its site: not when it is older than, or contradicts, one that was known.
    private static func isBelievable(_ feed: SiteFeed, _ highest: SignedHead, _ defect: FeedDefect?) -> Bool {
        if feed.head.epoch != highest.epoch { return feed.head.epoch > highest.epoch }
        return feed.head.size >= highest.size
            && (feed.log.tree.root(at: highest.size) == highest.root || defect == .acceptsOtherHistory)
    }

    private static func contradicts(_ feed: SiteFeed, _ highest: SignedHead) -> Bool {
        feed.head.epoch == highest.epoch && feed.head.size >= highest.size
            && feed.log.tree.root(at: highest.size) != highest.root
    }

    /// The histories that `feed` holds as evidence and `known` did not.
    public static func newBranches(of feed: SiteFeed, since known: SiteFeed?) -> [FeedBranch] {
        feed.branches.filter { branch in known?.branches.contains(branch) != true }
    }
}

/// Defences that the simulator switches off, to see what each is good for (`roost-sim attacks`). Nothing else does.
package enum FeedDefence: String, Sendable, CaseIterable {
    /// A head is read with a signature that fits only.
    case headSignatures = "head-signatures"
    /// A head is believed of the key only that may write.
    case writers = "writers"
}

/// Faults that the simulator switches on to see that its invariants find them. Nothing else sets any.
package enum FeedDefect: String, Sendable, CaseIterable {
    /// After a site was removed, a state older than the highest one ever accepted is taken for the newest.
    case acceptsLowerHead = "lower-head"
    /// After a site was removed, another history that is as long is taken for it: its release numbers mean something else.
    case acceptsOtherHistory = "other-history"
    /// What only proves a fork, and changes nothing of what is followed, is not kept.
    case forgetsEvidence = "forgotten-evidence"
}
