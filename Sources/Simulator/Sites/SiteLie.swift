// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Keys
internal import Wire

/// How a peer wrongs those who ask it about a site.
enum SiteWrong: Sendable {
    case none
    /// Keys, heads, entries and directory nodes of its own making.
    case forges
    /// An old state, shown as if there were no later one.
    case replays
    /// A history that it signed with the site's own key.
    case stole
    /// It takes questions and answers none.
    case silent
    /// Its line carries 300 bytes a second.
    case slow
}

/// Puts something else in the place of what an honest machine would send.
struct SiteLie {
    let owner: SiteOwner
    let key: SigningKey
    var random: RandomStream

    mutating func altered(_ payload: [UInt8]) -> [UInt8] {
        guard let message = try? SiteMessage.parse(payload), case .answer(let id, let answer) = message,
            random.below(3) > 0
        else { return payload }
        let other: SiteAnswer
        switch answer {
        case .key: other = .key(key.publicKey)
        case .head(let bytes, let holds): other = .head(head(after: bytes), holds: holds)
        case .entries(let from, let offset, let bytes): other = .entries(from: from, offset: offset, damaged(bytes))
        case .node(let hash, let total, let offset, let bytes):
            other = .node(hash, total: total, offset: offset, damaged(bytes))
        case .nodes(let nodes): other = .nodes(nodes.map { damaged($0) })
        case .proof: other = .proof([])
        }
        return SiteMessage.answer(id: id, other).encoded
    }

    /// A head of a longer log, signed by a key that may not; or the true one with a bit changed.
    private mutating func head(after bytes: [UInt8]) -> [UInt8] {
        guard let head = SignedHead(bytes), random.below(2) == 0 else { return damaged(bytes) }
        return SignedHead(
            site: owner.site,
            size: head.size + 1 + random.below(5),
            root: Hash.sha256(random.bytes(8)),
            time: head.time,
            epoch: head.epoch,
            signer: key
        ).bytes
    }

    private mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
        guard !bytes.isEmpty else { return bytes }
        var bytes = bytes
        bytes[random.below(bytes.count)] ^= UInt8(1 << random.below(8))
        return bytes
    }
}
