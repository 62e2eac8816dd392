// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

@testable internal import Feeds

/// Histories of one site whose keys are all known: 9 signs first, 10 is the next key and 11 the recovery key.
enum KnownFeeds {
    static let site = FuzzTarget.signer.publicKey.identifier
    static let (next, recovery) = (KnownKeys.all[10], KnownKeys.all[11])

    /// The first entry of them all.
    static let root = RootRecord(
        next: next.publicKey.identifier,
        recovery: recovery.publicKey.identifier,
        signer: FuzzTarget.signer
    )
    /// Where the second entry stands.
    static let position = log([])?.position ?? LogPosition(site: site, size: 1, root: .zero)

    static let rotation = Rotation(position: position, next: KnownKeys.all[12].publicKey.identifier, signer: next)
    static let takeover = takeover(at: position, by: recovery)

    /// Key changes at another place, and by others than the committed keys.
    static let strayChanges: [FeedEntry] = {
        var elsewhere = position
        elsewhere.root = .zero
        let key = KnownKeys.all[20]
        return [
            .rotate(Rotation(position: elsewhere, next: .zero, signer: next)),
            .rotate(Rotation(position: position, next: .zero, signer: key)),
            .recover(takeover(at: elsewhere, by: recovery)), .recover(takeover(at: position, by: key)),
        ]
    }()

    private static func takeover(at position: LogPosition, by signer: SigningKey) -> Recovery {
        Recovery(
            position: position,
            key: KnownKeys.all[13].publicKey,
            next: KnownKeys.all[14].publicKey.identifier,
            recovery: KnownKeys.all[15].publicKey.identifier,
            stolen: feed([.release(release(1, "1.0"))])?.head.bytes,
            time: 5,
            signer: signer
        )
    }

    /// With one release; with two; the same two in a contradiction; after a rotation; after a recovery, without a release.
    static let all: [SiteFeed] = histories.compactMap(feed)

    private static let histories: [[FeedEntry]] = [
        [.release(release(1, "1.0"))], [.release(release(1, "1.0")), .release(release(2, "2.0"))],
        [.release(release(1, "1.1")), .withdraw(Withdrawal(seq: 1, reason: "no", time: 6))],
        [.rotate(rotation), .release(release(1, "1.0"))], [.recover(takeover)],
    ]

    static func release(_ seq: Int64, _ label: String) -> Release {
        Release(
            seq: seq,
            label: label,
            v2: Hash.sha256([1]),
            v1: Hash.sha256([1]).truncated,
            directory: FuzzTarget.directory.last?.hash ?? .zero,
            pieceLength: 65_536,
            pieces: 3,
            files: 2,
            bytes: 100_000,
            time: 1_790_000_000
        )
    }

    private static func log(_ entries: [FeedEntry]) -> SiteLog? {
        try? SiteLog(site: site, entries: ([.root(root)] + entries).compactMap(\.encoded))
    }

    private static func feed(_ entries: [FeedEntry]) -> SiteFeed? {
        guard let log = log(entries), let signer = KnownKeys.signer(for: log.state.writer),
            let head = log.head(time: 1_790_000_001, signer: signer)
        else { return nil }
        return SiteFeed(log: log, head: head)
    }

    // MARK: Signing anew

    /// As its signer would have signed it, where that is one of ``KnownKeys``.
    static func signedAgain(_ entry: FeedEntry) -> FeedEntry {
        switch entry {
        case .root(let root):
            guard let key = KnownKeys.signer(for: root.key) else { return entry }
            return .root(RootRecord(next: root.next, recovery: root.recovery, writers: root.writers, signer: key))
        case .rotate(let rotation):
            guard let key = KnownKeys.signer(for: rotation.key) else { return entry }
            return .rotate(Rotation(position: rotation.position, next: rotation.next, signer: key))
        case .recover(let recovery):
            guard let key = KnownKeys.signer(for: recovery.revealed) else { return entry }
            return .recover(
                Recovery(
                    position: recovery.position,
                    key: recovery.key,
                    next: recovery.next,
                    recovery: recovery.recovery,
                    stolen: recovery.stolen,
                    time: recovery.time,
                    signer: key
                )
            )
        default: return entry
        }
    }

    private static func signedAgain(entry bytes: [UInt8]) -> [UInt8] {
        (try? FeedEntry.parse(bytes)).flatMap { signedAgain($0).encoded } ?? bytes
    }

    /// A head of any body, signed by the writer that it names, or by the site key where that is nobody known.
    static func head(_ body: [UInt8]) -> [UInt8] {
        let writer = (try? CBOR.decode(body))?["writer"]?.fixed(PublicKey.self)
        let signer = KnownKeys.signer(for: writer) ?? FuzzTarget.signer
        return signer.sign(Array("roost/head".utf8) + body).bytes + body
    }

    /// A stored feed in which all signatures are right, and the head is of its entries.
    static func signedAgain(feed bytes: [UInt8]) -> [UInt8]? {
        guard let value = try? CBOR.decode(bytes), let entries = value["entries"]?.array?.map(\.bytes),
            let branches = value["branches"]?.array,
            let log = try? SiteLog(site: site, entries: entries.compactMap { $0.map(signedAgain(entry:)) }),
            let writer = KnownKeys.signer(for: log.state.writer), let head = log.head(time: 5, signer: writer)
        else { return nil }
        let again: CBOR = [
            "branches": .array(branches.map(signedAgain(branch:))),
            "entries": .array(log.entries.map { .bytes($0) }), "head": .bytes(head.bytes),
            "version": value["version"] ?? 1,
        ]
        return again.encoded
    }

    private static func signedAgain(branch: CBOR) -> CBOR {
        guard var fields = branch.map, let bytes = branch["head"]?.bytes else { return branch }
        fields["head"] = .bytes(head(Array(bytes.dropFirst(Signature.byteCount))))
        return .map(fields)
    }
}
