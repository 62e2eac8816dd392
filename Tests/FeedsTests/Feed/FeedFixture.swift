// SPDX-License-Identifier: Apache-2.0
import Feeds
import Keys
import TestSupport
import Testing
import Wire

/// An owner with fixed keys and a site of as many releases as asked for.
struct FeedFixture {
    let siteKey: SigningKey
    let nextKey: SigningKey
    let recoveryKey: SigningKey
    let laterKey: SigningKey
    var log: SiteLog

    static func key(_ number: UInt8) throws -> SigningKey {
        try #require(SigningKey(seed: [UInt8](repeating: number, count: 32)))
    }

    init(releases: Int64 = 0) throws {
        siteKey = try Self.key(1)
        nextKey = try Self.key(2)
        recoveryKey = try Self.key(3)
        laterKey = try Self.key(4)
        let root = RootRecord(
            next: nextKey.publicKey.identifier,
            recovery: recoveryKey.publicKey.identifier,
            signer: siteKey
        )
        log = try SiteLog(site: siteKey.publicKey.identifier, rootEntry: try #require(FeedEntry.root(root).encoded))
        for seq in 0..<releases { try append(.release(Self.release(seq + 1))) }
    }

    var site: Digest256 { log.site }

    mutating func append(_ entry: FeedEntry) throws { try log.append(try #require(entry.encoded)) }

    func head(by signer: SigningKey? = nil) throws -> SignedHead {
        try #require(log.head(time: 1_790_000_000, signer: signer ?? siteKey))
    }

    func feed(by signer: SigningKey? = nil) throws -> SiteFeed {
        try #require(SiteFeed(log: log, head: try head(by: signer)))
    }

    /// What the owner signs after losing the site key, from the first `good` entries on.
    func recovered(to good: Int, key: SigningKey, stolen: SignedHead? = nil) throws -> FeedFixture {
        var copy = self
        copy.log = try #require(log.prefix(good))
        let recovery = Recovery(
            position: copy.log.position,
            key: key.publicKey,
            next: Hash.sha256([1]),
            recovery: Hash.sha256([2]),
            stolen: stolen?.bytes,
            time: 1_790_000_100,
            signer: recoveryKey
        )
        try copy.append(.recover(recovery))
        return copy
    }

    static func release(_ seq: Int64, label: String? = nil) -> Release {
        let mark = Hash.sha256(Array("\(seq) \(label ?? "")".utf8))
        return Release(
            seq: seq,
            label: label ?? "1.0.\(seq)",
            v2: mark,
            v1: mark.truncated,
            directory: Hash.sha256(mark.bytes),
            pieceLength: 65_536,
            pieces: 3,
            files: 2,
            bytes: 100_000,
            time: 1_790_000_000 + min(seq, 1000)
        )
    }
}
