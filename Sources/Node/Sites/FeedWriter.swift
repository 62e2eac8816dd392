// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Kademlia
internal import Keys
internal import Storage
internal import Wire

/// Writes the feeds of this node's own sites.
///
/// Each call is one transaction of the database: the entry, the head signed over it, the pointer for the DHT and what the
/// caller records are durable together when it returns, and nothing of it where it throws. Peers and the DHT hear of it
/// in the background.
struct FeedWriter: Sendable {
    let service: SiteService

    /// What a caller writes into the same transaction, with the feed as it will be.
    typealias Recording = @Sendable (MetadataConnection, SiteFeed) throws -> Void

    /// Begins a site.
    ///
    /// `key`: the site key, whose SHA-256 is the site's id. `next`, `recovery`: SHA-256 of the key that may take over by
    /// rotation, and of the one that may take the site back. `first`: makes the first release from its number.
    /// `endorsement`: of an identity that stands behind the site from the start.
    func create(
        key: SigningKey,
        next: Digest256,
        recovery: Digest256,
        endorsement: Endorsement? = nil,
        first: (@Sendable (Int64) throws -> Release)? = nil,
        recording: @escaping Recording = { _, _ in }
    ) async throws(NodeError) -> SiteFeed {
        let site = key.publicKey.identifier
        return try await change(site, pointers: [key]) { known, connection in
            guard known == nil, try connection.highestHead(of: site) == nil else {
                throw NodeError(.busy, "this site is there already", remedy: "Publish to it with --site.")
            }
            let root = RootRecord(next: next, recovery: recovery, signer: key)
            var log = try SiteLog(site: site, rootEntry: try Self.encode(.root(root)))
            if let endorsement { try log.append(try Self.encode(.endorse(endorsement.bytes))) }
            if let first { try log.append(try Self.encode(.release(try first(1)))) }
            guard log.state.ignored.isEmpty else { throw Self.againstTheRules }
            guard let head = log.head(time: WallClock.seconds, signer: key), let feed = SiteFeed(log: log, head: head)
            else { throw Self.notTheWriter }
            return feed
        } recording: {
            try recording($0, $1)
        }
    }

    /// Appends a release, made from the number it gets, and before it an endorsement where one is given.
    ///
    /// `pointers`: further keys under which the pointer is put: the site key after a rotation.
    func append(
        to site: Digest256,
        signer: SigningKey,
        pointers: [SigningKey] = [],
        endorsement: Endorsement? = nil,
        release: @escaping @Sendable (Int64) throws -> Release,
        recording: @escaping Recording = { _, _ in }
    ) async throws(NodeError) -> SiteFeed {
        try await extend(site, signer, pointers, recording) { log in
            guard let seq = log.state.nextSeq else {
                throw NodeError(
                    .badData,
                    "all release numbers of this site are used up, which only a thief of its key brings about",
                    remedy: "Take it back with `roost site recover` and its recovery kit."
                )
            }
            return (endorsement.map { [.endorse($0.bytes)] } ?? []) + [.release(try release(seq))]
        }
    }

    /// Says that a release should not be shown any more: the newest where `sequence` is nil.
    func withdraw(
        _ sequence: Int64?,
        reason: String = "",
        from site: Digest256,
        signer: SigningKey,
        pointers: [SigningKey] = [],
        recording: @escaping Recording = { _, _ in }
    ) async throws(NodeError) -> SiteFeed {
        try await extend(site, signer, pointers, recording) { log in
            guard let seq = sequence ?? log.state.newest?.release.seq,
                let release = log.state.release(seq: seq), release.withdrawal == nil
            else {
                throw NodeError(
                    .notFound,
                    "there is no such release to withdraw",
                    remedy: "See the numbers with `roost site show`."
                )
            }
            return [.withdraw(Withdrawal(seq: seq, reason: reason, time: WallClock.seconds))]
        }
    }

    /// Hands the site to the committed next key.
    ///
    /// `next`: the private half of that key, which writes from now on. `following`: SHA-256 of the key after it.
    func rotate(
        _ site: Digest256,
        to next: SigningKey,
        following: Digest256,
        pointers: [SigningKey] = [],
        recording: @escaping Recording = { _, _ in }
    ) async throws(NodeError) -> SiteFeed {
        try await extend(site, next, pointers, recording) { log in
            guard next.publicKey.identifier == log.state.next else {
                throw NodeError(
                    .notPermitted,
                    "this is not the key that the site named as its next one",
                    remedy: "Recover the site with its recovery kit."
                )
            }
            return [.rotate(Rotation(position: log.position, next: following, signer: next))]
        }
    }

    /// Takes the site back: what was written behind the last good entry is superseded, however long it is.
    ///
    /// `recoveryKey`: the private half of the committed recovery key. `writer`: the key that writes from now on.
    /// `goodSize`: how many entries are the owner's; nil takes what this node signed last, else all.
    func recover(
        _ site: Digest256,
        with recoveryKey: SigningKey,
        writer: SigningKey,
        next: Digest256,
        recovery: Digest256,
        goodSize: Int? = nil,
        recording: @escaping Recording = { _, _ in }
    ) async throws(NodeError) -> SiteFeed {
        try await change(site, pointers: [writer]) { known, connection in
            guard var feed = known else { throw Self.unknown(site) }
            guard recoveryKey.publicKey.identifier == feed.state.recovery else { throw Self.wrongKit }
            let size = try goodSize ?? Self.signedSize(of: feed, connection)
            guard var log = feed.log.prefix(size), log.state.recovery == feed.state.recovery else {
                throw Self.noEntry(size)
            }
            let recovery = Recovery(
                position: log.position,
                key: writer.publicKey,
                next: next,
                recovery: recovery,
                stolen: size < feed.head.size ? feed.head.bytes : nil,
                time: WallClock.seconds,
                signer: recoveryKey
            )
            try log.append(try Self.encode(.recover(recovery)))
            try Self.follow(log, writer, &feed)
            return feed
        } recording: {
            try recording($0, $1)
        }
    }
}

extension FeedWriter {
    private static let wrongKit = NodeError(
        .notPermitted,
        "this recovery kit is not that of the site",
        remedy: "Use the kit that was made last for it."
    )

    private static func noEntry(_ size: Int) -> NodeError {
        NodeError(
            .usage,
            "the site's history has no entry \(size) that this kit can go back to",
            remedy: "Name a release of the present history."
        )
    }

    /// Appends entries by the writer, all or none.
    private func extend(
        _ site: Digest256,
        _ signer: SigningKey,
        _ pointers: [SigningKey],
        _ recording: @escaping Recording,
        _ entries: @escaping @Sendable (SiteLog) throws -> [FeedEntry]
    ) async throws(NodeError) -> SiteFeed {
        try await change(site, pointers: [signer] + pointers) { known, _ in
            guard var feed = known else { throw Self.unknown(site) }
            var log = feed.log
            let size = log.size
            for entry in try entries(log) { try log.append(try Self.encode(entry)) }
            guard !log.state.ignored.contains(where: { $0.index >= size }) else { throw Self.againstTheRules }
            try Self.follow(log, signer, &feed)
            return feed
        } recording: {
            try recording($0, $1)
        }
    }

    private func change(
        _ site: Digest256,
        pointers: [SigningKey],
        _ body: @escaping @Sendable (SiteFeed?, MetadataConnection) throws -> SiteFeed,
        recording: @escaping Recording
    ) async throws(NodeError) -> SiteFeed {
        let feeds = service.feeds
        let feed = try await service.context.blocking.run {
            try feeds.change(site) { known, connection in
                let feed = try body(known, connection)
                try Self.sign(feed, pointers, connection)
                try connection.saveSetting(Self.sizeSetting(site), Array("\(feed.head.size)".utf8))
                try recording(connection, feed)
                return feed
            }
        }
        guard let feed else { throw Self.unknown(site) }
        service.changed(feed)
        return feed
    }

    private static func follow(_ log: SiteLog, _ signer: SigningKey, _ feed: inout SiteFeed) throws {
        guard let head = log.head(time: WallClock.seconds, signer: signer) else { throw notTheWriter }
        guard feed.adopt(head, log: log) == .known else {
            throw NodeError(
                .notPermitted,
                "somebody else has signed a history that contradicts this one with the site's key",
                remedy: "Take the site back with `roost site recover` and its recovery kit."
            )
        }
    }

    /// Signs the pointer under each key, ready to be put. A number that a thief has used up leaves the old item.
    private static func sign(_ feed: SiteFeed, _ keys: [SigningKey], _ connection: MetadataConnection) throws {
        guard let value = SitePointer(feed)?.encoded else { return }
        for key in keys {
            let stored = try connection.item(SitePointer.target(of: key.publicKey))?.mutableItem
            let latest = stored.map { (seq: $0.sequence, value: $0.value) }
            guard
                let sequence = SiteLocations.nextSequence(size: feed.head.size, latest: latest, value: value),
                let item = try? MutableItem.signed(value: value, sequence: sequence, by: key)
            else { continue }
            try connection.save(ItemRecord(item, keepsAlive: true, putAt: 0))
        }
    }

    private static func sizeSetting(_ site: Digest256) -> String { "site.signed.\(site.hex)" }

    /// How many entries of the feed were there when this node last signed its head.
    private static func signedSize(of feed: SiteFeed, _ connection: MetadataConnection) throws -> Int {
        guard let bytes = try connection.setting(sizeSetting(feed.site)),
            let size = Int(String(decoding: bytes, as: UTF8.self)), (1...feed.log.size).contains(size)
        else { return feed.log.size }
        return size
    }

    private static func encode(_ entry: FeedEntry) throws -> [UInt8] {
        guard let bytes = entry.encoded else {
            throw NodeError(
                .usage,
                "the entry is larger than 64 KiB",
                remedy: "Shorten its message, or leave --by away."
            )
        }
        return bytes
    }

    private static let againstTheRules = NodeError(
        .usage,
        "the site's own rules do not allow this entry",
        remedy: "Check label, message, sizes, and the settings `trackers` and `web-seeds`."
    )

    private static let notTheWriter = NodeError(
        .notPermitted,
        "this key does not write the site any more",
        remedy: "Use the key of the last rotation or recovery."
    )

    private static func unknown(_ site: Digest256) -> NodeError {
        NodeError(.notFound, "site \(site.hex) is not known here", remedy: "See `roost site list`.")
    }
}
