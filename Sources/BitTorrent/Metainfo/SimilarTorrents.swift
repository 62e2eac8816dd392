// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Which other torrents may hold some of the same files, as a torrent says of itself (BEP 38).
///
/// A hint and nothing more: what is taken from another torrent's files is hashed first. At most
/// ``TorrentSpecification/maximumSources`` of each kind are read.
public struct SimilarTorrents: Hashable, Sendable {
    /// A longer name of a collection is left out.
    static let maximumNameBytes = 1024

    /// Infohashes; of a v2 torrent its first 20 bytes.
    public var infoHashes: [Digest160] = []
    /// Torrents that name the same collection may share files.
    public var collections: [String] = []

    /// For torrents being made; nothing is bounded here.
    public init(infoHashes: [Digest160] = [], collections: [String] = []) {
        self.infoHashes = infoHashes
        self.collections = collections
    }

    /// What stands in one dictionary: `info`, or the one around it.
    init(_ node: BencodeNode) {
        for entry in (node["similar"]?.list ?? []).prefix(TorrentSpecification.maximumSources) {
            guard let bytes = entry.bytes, let hash = Self.infoHash(bytes), !infoHashes.contains(hash) else { continue }
            infoHashes.append(hash)
        }
        for entry in (node["collections"]?.list ?? []).prefix(TorrentSpecification.maximumSources) {
            guard let bytes = entry.bytes, bytes.count <= Self.maximumNameBytes, let name = entry.string,
                !collections.contains(name)
            else { continue }
            collections.append(name)
        }
    }

    /// BEP 38 knows 20 bytes; the 32 of v2 are taken by their first 20.
    private static func infoHash(_ bytes: ArraySlice<UInt8>) -> Digest160? {
        Digest160(bytes) ?? Digest256(bytes)?.truncated
    }

    /// No hints: nothing to look for among other torrents.
    public var isEmpty: Bool { infoHashes.isEmpty && collections.isEmpty }

    /// Both, each entry once: hints inside and outside of the info dictionary are merged.
    public func merged(with other: SimilarTorrents) -> SimilarTorrents {
        SimilarTorrents(
            infoHashes: infoHashes + other.infoHashes.filter { !infoHashes.contains($0) },
            collections: collections + other.collections.filter { !collections.contains($0) }
        )
    }
}

extension Metainfo {
    /// The hints inside and outside of the info dictionary.
    public var similar: SimilarTorrents { hints.merged(with: sources.similar) }

    /// Whether one of the two says that they may share files, or both are of one collection.
    public func isSimilar(to other: Metainfo) -> Bool {
        let (own, others) = (similar, other.similar)
        return own.infoHashes.contains { other.infoHashes.short.contains($0) }
            || others.infoHashes.contains { infoHashes.short.contains($0) }
            || own.collections.contains { others.collections.contains($0) }
    }
}
