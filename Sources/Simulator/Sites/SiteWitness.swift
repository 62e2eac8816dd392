// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Wire

/// What one reader of a site has had, and what it must not fall behind.
struct SiteWitness {
    /// The highest state that its disk has accepted.
    private var floor: SignedHead?
    /// Heads that prove a theft and were to be kept.
    private var evidence: [SignedHead] = []
    /// How many of them, from the first on, were so before its user removed the site: the feed has the others.
    private var removed = 0
    /// By epoch and number: what a release is.
    private var releases: [FeedEpoch: [Int64: Digest256]] = [:]

    /// What the disk itself has lost, nobody can be held to.
    mutating func forget(but record: SiteRecord) {
        floor = record.highest.flatMap { SignedHead($0) }
        evidence.removeAll { !record.evidence.contains($0.bytes) }
        removed = evidence.count
        releases = [:]
    }

    /// How much it had to keep.
    var evidenceCount: Int { evidence.count }

    /// After every event on the reader's host.
    mutating func check(_ program: SiteProgram) {
        let (world, host, owner) = (program.host.world, program.host, program.owner)
        checkEvidence(program)
        guard let feed = program.feed else { return }
        let head = feed.head
        if let floor, (head.epoch, head.size) < (floor.epoch, floor.size) {
            world.violate(.neverLower, "\(head.size) entries after \(floor.size)", host: host)
        }
        // Another history of the same length is looked at, too, and another signature under the same.
        if head.bytes == floor?.bytes { return }
        floor = head
        if !owner.signed.contains(head.hash), !owner.stolen.contains(head.hash) {
            world.violate(.onlyProven, "a head that the site's key did not sign", host: host)
        }
        checkNames(feed, program)
    }

    /// What proved a theft is in the record, and in the feed unless that is another one since.
    private mutating func checkEvidence(_ program: SiteProgram) {
        for head in program.proofs where !evidence.contains(head) { evidence.append(head) }
        program.proofs = []
        guard !evidence.isEmpty else { return }
        let kept = program.disk.written.evidence
        if let lost = evidence.first(where: { !kept.contains($0.bytes) }) { return violate(lost, "nowhere", program) }
        guard let feed = program.feed else {
            removed = evidence.count
            return
        }
        // The feed has room for so many.
        guard feed.branches.count < SiteFeed.maximumBranches else { return }
        for head in evidence[removed...] where head != feed.head && !feed.branches.contains(where: { $0.head == head })
        {
            return violate(head, "not in the feed", program)
        }
    }

    private func violate(_ head: SignedHead, _ place: String, _ program: SiteProgram) {
        let detail = "a head of \(head.size) entries that proves a theft is \(place)"
        program.host.world.violate(.evidenceIsKept, detail, host: program.host)
    }

    /// A site's id means its key, and in one epoch a release's number means one release.
    private mutating func checkNames(_ feed: SiteFeed, _ program: SiteProgram) {
        let (world, host) = (program.host.world, program.host)
        if feed.state.siteKey != program.owner.siteKey || feed.state.site != program.owner.site {
            world.violate(.neverReassigned, "another key for the site", host: host)
        }
        let epoch = feed.head.epoch
        for published in feed.state.releases {
            let release = published.release
            if let before = releases[epoch]?[release.seq], before != release.directory {
                world.violate(.neverReassigned, "release \(release.seq) is another one", host: host)
            }
            releases[epoch, default: [:]][release.seq] = release.directory
        }
    }
}
