// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Kademlia
internal import Keys
internal import Wire

/// The keys of a simulated site, and every head that was ever signed with them.
final class SiteOwner {
    /// The keys that write, one after the other: the first is the site's.
    private let keys: [SigningKey]
    private let recoveryKey: SigningKey
    private let recoveredKey: SigningKey
    let site: Digest256
    let siteKey: PublicKey
    /// Hashes of heads by the owner, and by a thief with the owner's key.
    private(set) var signed: Set<Digest256> = []
    private(set) var stolen: Set<Digest256> = []
    /// By head: what it signs.
    private var entries: [Digest256: [[UInt8]]] = [:]
    /// Directory nodes of all releases.
    private(set) var nodes: [Digest256: [UInt8]] = [:]

    init?(random: inout RandomStream) {
        var made: [SigningKey] = []
        for _ in 0..<4 { if let key = SigningKey(seed: random.bytes(32)) { made.append(key) } }
        guard made.count == 4 else { return nil }
        keys = Array(made[0..<2])
        recoveryKey = made[2]
        recoveredKey = made[3]
        siteKey = made[0].publicKey
        site = siteKey.identifier
    }

    private func signer(of log: SiteLog) -> SigningKey? {
        (keys + [recoveredKey]).first { $0.publicKey == log.state.writer }
    }

    /// A feed that holds its root record and a first release.
    func begin(time: Int64) -> SiteFeed? {
        let root = RootRecord(
            next: keys[1].publicKey.identifier,
            recovery: recoveryKey.publicKey.identifier,
            signer: keys[0]
        )
        guard let entry = FeedEntry.root(root).encoded, var log = try? SiteLog(site: site, rootEntry: entry) else {
            return nil
        }
        append(release(of: log, "first", time: time), to: &log)
        return head(of: log, time: time).flatMap { SiteFeed(log: log, head: $0) }
    }

    /// The feed with one release more; nil where it is not the owner's to continue.
    func extended(_ feed: SiteFeed, _ mark: String, time: Int64) -> SiteFeed? {
        var log = feed.log
        append(release(of: log, mark, time: time), to: &log)
        return followed(feed, log, time: time)
    }

    /// What the DHT is to say of the feed under the site's key, after an item that said something else.
    func pointer(_ feed: SiteFeed, after latest: MutableItem?) -> MutableItem? {
        guard let value = SitePointer(feed)?.encoded else { return nil }
        let before = latest.map { (seq: $0.sequence, value: $0.value) }
        guard let sequence = SiteLocations.nextSequence(size: feed.head.size, latest: before, value: value) else {
            return nil
        }
        return try? MutableItem.signed(value: value, sequence: sequence, by: keys[0])
    }

    /// The feed handed to the next key.
    func rotated(_ feed: SiteFeed, time: Int64) -> SiteFeed? {
        guard keys[1].publicKey.identifier == feed.state.next else { return nil }
        var log = feed.log
        append(.rotate(Rotation(position: log.position, next: Hash.sha256([0]), signer: keys[1])), to: &log)
        return followed(feed, log, time: time)
    }

    /// The feed taken back with the recovery key, from its first `good` entries on.
    func recovered(_ feed: SiteFeed, to good: Int, time: Int64) -> SiteFeed? {
        guard var log = feed.log.prefix(min(good, feed.log.size)) else { return nil }
        let recovery = Recovery(
            position: log.position,
            key: recoveredKey.publicKey,
            next: Hash.sha256([1]),
            recovery: Hash.sha256([2]),
            stolen: good < feed.log.size ? feed.head.bytes : nil,
            time: time,
            signer: recoveryKey
        )
        append(.recover(recovery), to: &log)
        append(release(of: log, "after the theft", time: time), to: &log)
        return followed(feed, log, time: time)
    }

    /// What a thief of the key that writes makes of the first `good` entries.
    func forked(_ feed: SiteFeed, at good: Int, longer count: Int, time: Int64) -> SiteFeed? {
        guard var log = feed.log.prefix(min(good, feed.log.size)), let key = signer(of: log) else { return nil }
        for number in 0..<count { append(release(of: log, "stolen \(number)", time: time), to: &log) }
        guard let head = log.head(time: time, signer: key) else { return nil }
        stolen.insert(head.hash)
        entries[head.hash] = log.entries
        return SiteFeed(log: log, head: head)
    }

    /// Whether no honest holder of the key could have signed both: their histories part.
    ///
    /// The owner may have taken the thief's over, and gone on with it.
    func contradict(_ one: SignedHead, _ other: SignedHead) -> Bool {
        guard !stolen.isEmpty, one.epoch == other.epoch, let first = entries[one.hash], let second = entries[other.hash]
        else { return false }
        return zip(first, second).contains { $0 != $1 }
    }

    private func append(_ entry: FeedEntry, to log: inout SiteLog) {
        if let bytes = entry.encoded { try? log.append(bytes) }
    }

    private func head(of log: SiteLog, time: Int64) -> SignedHead? {
        guard let head = signer(of: log).flatMap({ log.head(time: time, signer: $0) }) else { return nil }
        signed.insert(head.hash)
        entries[head.hash] = log.entries
        return head
    }

    private func followed(_ feed: SiteFeed, _ log: SiteLog, time: Int64) -> SiteFeed? {
        var feed = feed
        guard let head = head(of: log, time: time), feed.adopt(head, log: log) == .known else { return nil }
        return feed
    }

    private func release(of log: SiteLog, _ mark: String, time: Int64) -> FeedEntry {
        let seq = log.state.nextSeq ?? 1
        let tree = Hash.sha256(Array("\(mark) \(seq)".utf8))
        var builder = DirectoryBuilder()
        let file = DirectoryFile(length: 10_000, root: tree, firstPiece: 0)
        var directory = Digest256.zero
        do throws(DirectoryError) {
            try builder.add(file, at: ["index.html"]) { self.nodes[$0] = $1 }
            directory = try builder.finish { self.nodes[$0] = $1 }
        } catch {
            preconditionFailure("one file makes a directory")
        }
        return .release(
            Release(
                seq: seq,
                label: "1.0.\(seq)",
                v2: tree,
                v1: tree.truncated,
                directory: directory,
                pieceLength: 16_384,
                pieces: 1,
                files: 1,
                bytes: 10_000,
                time: max(time, 0)
            )
        )
    }
}
