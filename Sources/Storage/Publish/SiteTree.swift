// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
internal import Feeds
public import Wire

/// What the files of a release say about it: both torrents, the directory, and where each file's pieces are.
///
/// Nothing of this is stored but the manifest, the v1 pieces and the piece layers: a release of 8,000 files of which one
/// changed costs a few KiB on disk, and its two info dictionaries of some 0.8 MB each are made again when a peer asks.
public struct SiteTree: Sendable {
    /// The name of every site's torrents.
    public static let torrentName = "site"

    /// The files, in the order of both torrents.
    public let manifest: ReleaseManifest
    /// Of both torrents, in bytes.
    public let pieceLength: Int
    /// The first piece of each file in the v2 torrent; 0 for empty files.
    public let firstPieces: [Int]
    /// Pieces of the v2 torrent.
    public let pieceCount: Int
    /// Bytes of all files.
    public let bytes: Int64

    /// The tree of a release's files, which are in the torrent's order.
    public init(manifest: ReleaseManifest, pieceLength: Int) throws(PublishError) {
        let limit = TorrentSpecification.maximumTotalLength
        guard PieceLength.isValidForV2(pieceLength) else { throw .tooLarge(limit: limit) }
        var firstPieces: [Int] = []
        firstPieces.reserveCapacity(manifest.files.count)
        var next = 0
        var bytes: Int64 = 0
        for file in manifest.files {
            guard file.length >= 0, file.length <= limit - bytes else { throw .tooLarge(limit: limit) }
            firstPieces.append(file.length > 0 ? next : 0)
            next += Int((file.length + Int64(pieceLength) - 1) / Int64(pieceLength))
            bytes += file.length
        }
        self.manifest = manifest
        self.pieceLength = pieceLength
        self.firstPieces = firstPieces
        pieceCount = next
        self.bytes = bytes
    }

    /// The v2 torrent, with the piece layers that are known, by file root.
    public func v2Metainfo(pieceLayers: [Digest256: [UInt8]] = [:]) throws(PublishError) -> Metainfo {
        try metainfo(.v2, v1Pieces: [], pieceLayers: pieceLayers)
    }

    /// The v1 twin.
    public func v1Metainfo(pieces: [UInt8]) throws(PublishError) -> Metainfo {
        try metainfo(.v1, v1Pieces: pieces, pieceLayers: [:])
    }

    private func metainfo(
        _ kind: TorrentKind,
        v1Pieces: [UInt8],
        pieceLayers: [Digest256: [UInt8]]
    ) throws(PublishError) -> Metainfo {
        let entries = manifest.files.map { file in
            TorrentEntry(
                path: file.path,
                isExecutable: file.isExecutable,
                hashes: FileHashes(
                    length: file.length,
                    root: file.root,
                    pieceLayer: file.root.flatMap { pieceLayers[$0] } ?? []
                )
            )
        }
        do throws(BuildError) {
            let builder = MetainfoBuilder(name: Self.torrentName, pieceLength: pieceLength, entries: entries)
            return try builder.build(kind, v1Pieces: v1Pieces)
        } catch .unreadable(.tooLarge(let limit)) {
            throw .metadataTooLarge(limit: limit)
        } catch {
            throw .notDescribable(error)
        }
    }

    /// The directory: its root, each node handed to `emit` as it is complete.
    public func directory(emit: (Digest256, [UInt8]) -> Void = { _, _ in }) throws(PublishError) -> Digest256 {
        do throws(DirectoryError) {
            var builder = DirectoryBuilder()
            for (index, file) in manifest.files.enumerated() {
                let entry = DirectoryFile(
                    length: file.length,
                    root: file.root,
                    firstPiece: firstPieces[index],
                    isExecutable: file.isExecutable
                )
                try builder.add(entry, at: file.path, emit: emit)
            }
            return try builder.finish(emit: emit)
        } catch {
            throw .notListable(error)
        }
    }

    /// The number of the file at `path`, each component compared as raw bytes; nil where there is none.
    public func file(at path: [String]) -> Int? {
        var low = 0
        var high = manifest.files.count
        while low < high {
            let middle = (low + high) / 2
            if TorrentEntry.precedes(manifest.files[middle].path, path) { low = middle + 1 } else { high = middle }
        }
        guard low < manifest.files.count, !TorrentEntry.precedes(path, manifest.files[low].path) else { return nil }
        return low
    }
}
