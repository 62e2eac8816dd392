// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Wire

/// What a node keeps of one site, in the forms in which the product's database keeps it.
struct SiteRecord: Equatable {
    /// `SiteFeed.encoded`; nil where the site was never met, or was removed.
    var feed: [UInt8]?
    /// The highest head ever accepted; stays when the site is removed.
    var highest: [UInt8]?
    /// Heads that prove something against the site's key, in the order of their finding; stay, too.
    var evidence: [[UInt8]] = []

    /// The record after a feed was taken over: one transaction.
    mutating func take(_ feed: SiteFeed, since known: SiteFeed?) {
        self.feed = feed.encoded
        highest = feed.head.bytes
        for branch in FeedAcceptance.newBranches(of: feed, since: known) { add(branch.head) }
    }

    mutating func add(_ head: SignedHead) { if !evidence.contains(head.bytes) { evidence.append(head.bytes) } }
}

/// A disk with one record: what programs see, and what is left when power fails. A transaction is there whole or not
/// at all, which `roost-powerloss` checks of the product's database.
final class SiteDisk: SimulatedDisk {
    private(set) var written = SiteRecord()
    private(set) var synced = SiteRecord()
    /// Transactions that failed.
    private(set) var refusals = 0

    /// False where it fails. Where power fails in the middle, either the old record is there or the new one.
    func commit(_ record: SiteRecord) -> Bool {
        guard !tears() else {
            refusals += 1
            if random.below(2) == 0 { store(record) }
            return false
        }
        guard takesWrites else {
            refusals += 1
            return false
        }
        store(record)
        return true
    }

    private func store(_ record: SiteRecord) {
        written = record
        if !losesSyncs { synced = record }
    }

    func powerLost() { written = synced }
}
