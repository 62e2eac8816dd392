// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
public import Wire

/// A folder that has become a Tree: held in the content store, durable, and described for both torrents.
///
/// Nothing refers to its files yet: keep ``lease`` until the release is recorded.
public struct PublishedTree: Sendable {
    /// The files, both info dictionaries and the directory.
    public let tree: SiteTree
    /// Of the two twins.
    public let hashes: InfoHashes
    /// The root node of the directory.
    public let directory: Digest256
    /// The `pieces` string of the v1 twin.
    public let v1Pieces: [UInt8]
    /// The piece layers of the files that are longer than a piece.
    public let pieceLayers: [(root: Digest256, hashes: [UInt8])]
    /// What the site does not get, to be told to its owner.
    public let skipped: [SkippedFile]
    /// Bytes that were copied from the folder; the rest was held already.
    public let copied: Int64
    /// Bytes that the store did not hold before.
    public let added: Int64
    /// Keeps the files from being evicted meanwhile.
    public let lease: ContentLease

    /// Bytes of all files.
    public var bytes: Int64 { tree.bytes }

    /// Records the release and its hashes. In one transaction with the feed's entry, the publish is done.
    public func save(as release: ReleaseRecord, in metadata: MetadataConnection) throws {
        try metadata.save(release, manifest: tree.manifest, v1Pieces: v1Pieces)
        try metadata.trimV1Pieces(of: release.site)
        for layer in pieceLayers {
            try metadata.savePieceLayer(layer.hashes, of: layer.root, pieceLength: tree.pieceLength)
        }
    }
}
