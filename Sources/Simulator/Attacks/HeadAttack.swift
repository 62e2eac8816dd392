// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Keys
internal import Wire

/// Somebody without the site's keys shows a reader the site's log with releases of his own behind it.
struct HeadAttack {
    private static let attempts = 200

    private let without: Set<FeedDefence>
    private var random: RandomStream

    init(_ options: ScenarioOptions, without: Set<FeedDefence>) {
        self.without = without
        random = RandomStream(seed: options.seed, "forged heads")
    }

    /// Heads that the reader takes. Every second is signed by a key of the forger's own, as it says; the others name the
    /// key that may write, which has not signed them.
    mutating func run() -> Share {
        var share = Share()
        guard let owner = SiteOwner(random: &random), let feed = owner.begin(time: 1),
            let forger = SigningKey(seed: random.bytes(32))
        else { return share }
        for number in 0..<Self.attempts {
            // Entries bear no signature: anybody can write them.
            guard let log = owner.forked(feed, at: feed.log.size, longer: 1 + random.below(3), time: 2)?.log else {
                continue
            }
            let writer = number % 2 == 0 ? forger.publicKey : log.state.writer
            share.add(isTaken(head(of: log, by: forger, naming: writer), log, beside: feed))
        }
        return share
    }

    private func isTaken(_ bytes: [UInt8], _ log: SiteLog, beside known: SiteFeed) -> Bool {
        guard let head = SignedHead(bytes, without: without) else { return false }
        var feed = known
        guard case .wanted = feed.judge(head, without: without) else { return false }
        return feed.adopt(head, log: log, without: without) == .known && feed.log.size > known.log.size
    }

    private func head(of log: SiteLog, by forger: SigningKey, naming writer: PublicKey) -> [UInt8] {
        let head = SignedHead(
            site: log.site,
            size: log.size,
            root: log.root,
            time: 2,
            epoch: log.state.epoch,
            signer: forger
        )
        var bytes = head.bytes
        let own = forger.publicKey.bytes
        let places = bytes.count - own.count
        guard let place = (0...max(0, places)).first(where: { bytes[$0...].starts(with: own) }) else { return bytes }
        bytes.replaceSubrange(place..<place + own.count, with: writer.bytes)
        return bytes
    }
}
