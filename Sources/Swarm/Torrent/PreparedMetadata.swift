// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
internal import Keys
internal import Wire

/// Makes the storage of a torrent whose metadata has become known, and says what is there already. May block.
public typealias TorrentPreparation =
    @Sendable (Metainfo, TorrentContent) throws -> (any PieceStorage, Bitfield)

/// An info dictionary that came from peers, checked and parsed, with the storage for what it describes.
enum PreparedMetadata: Sendable {
    case ready(Metainfo, TorrentContent, any PieceStorage, Bitfield)
    /// Not what the infohash names, or not to be used.
    case refused

    /// Blocks: hashes, parses, and looks at what is on disk.
    init(infoDictionary bytes: [UInt8], expected: InfoHashes, prepare: TorrentPreparation) {
        guard Self.matches(bytes, expected), let whole = try? Metainfo(infoDictionary: bytes),
            let metainfo = expected.v2 == nil ? whole.v1View : whole, let content = TorrentContent(metainfo),
            let (storage, have) = try? prepare(metainfo, content)
        else {
            self = .refused
            return
        }
        self = .ready(metainfo, content, storage, have)
    }

    private static func matches(_ bytes: [UInt8], _ expected: InfoHashes) -> Bool {
        if let v1 = expected.v1, Hash.sha1(bytes) != v1 { return false }
        if let v2 = expected.v2, Hash.sha256(bytes) != v2 { return false }
        return !expected.isEmpty
    }
}
