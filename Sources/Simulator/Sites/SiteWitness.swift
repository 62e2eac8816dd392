// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Wire

/// What one reader of a site has had, and what it must not fall behind.
struct SiteWitness {
    /// The highest state that its disk has accepted.
    private var floor: SignedHead?
    private var evidence = 0
    /// By epoch and number: what a release is.
    private var releases: [FeedEpoch: [Int64: Digest256]] = [:]

    /// What the disk itself has lost, nobody can be held to.
    mutating func forget(but record: SiteRecord) {
        floor = record.highest.flatMap { SignedHead($0) }
        evidence = record.evidence.count
        releases = [:]
    }

    /// After every event on the reader's host.
    mutating func check(_ program: SiteProgram) {
        let (world, host, owner) = (program.host.world, program.host, program.owner)
        let found = program.disk.written.evidence.count
        if found < evidence { world.violate(.evidenceIsKept, "\(found) after \(evidence)", host: host) }
        evidence = found
        guard let feed = program.feed else { return }
        let head = feed.head
        if let floor, (head.epoch, head.size) < (floor.epoch, floor.size) {
            world.violate(.neverLower, "\(head.size) entries after \(floor.size)", host: host)
        }
        // Another history of the same length is looked at, too.
        if let floor, floor.epoch == head.epoch, floor.size == head.size, floor.root == head.root { return }
        floor = head
        if !owner.signed.contains(head.hash), !owner.stolen.contains(head.hash) {
            world.violate(.onlyProven, "a head that the site's key did not sign", host: host)
        }
        checkNames(feed, program)
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
