// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Storage
internal import Wire

/// A torrent that is no release of a site, its metadata being known: from a magnet link, or an item that names only a v1
/// torrent.
struct OpenTree: Sendable {
    struct File: Equatable, Sendable {
        /// Safe on any system, and one of a kind in the tree.
        var path: [String]
        /// In bytes.
        var length: Int64
        var isExecutable: Bool
        /// Its number in the torrent.
        var number: Int
        /// Where the store keeps it; nil for a file of no bytes.
        var key: ContentKey?
    }

    let metainfo: Metainfo
    /// Under which it is open.
    let hash: Digest160
    /// Safe as a name of a folder or a file.
    let name: String
    /// In the torrent's order, padding and symbolic links left out.
    let files: [File]

    /// `hash`: under which it was found.
    init(_ metainfo: Metainfo, hash: Digest160) throws {
        self.metainfo = metainfo
        self.hash = hash
        name = PathSanitizer.sanitize(name: metainfo.name).name
        let paths = try PathSanitizer.sanitize(metainfo.files)
        files = zip(metainfo.files, paths).enumerated().compactMap { number, pair in
            let (file, path) = pair
            guard let path, !file.isPadding, file.symlinkTarget == nil else { return nil }
            let v1Key = metainfo.infoHashes.v1.map { ContentKey.v1(torrent: $0, file: number) }
            return File(
                path: path.components,
                length: file.length,
                isExecutable: file.isExecutable,
                number: number,
                key: file.length > 0 ? file.piecesRoot.map { .file(root: $0) } ?? v1Key : nil
            )
        }
    }

    /// Bytes of all files.
    var bytes: Int64 { metainfo.totalLength }

    /// The file at a path of the listing, compared as bytes; nil where there is none.
    func file(at path: [String]) -> File? {
        files.first { $0.path.elementsEqual(path) { $0.utf8.elementsEqual($1.utf8) } }
    }

    /// What is kept of it, so that the next start knows it without peers.
    var record: TorrentRecord {
        TorrentRecord(
            v1: metainfo.infoHashes.v1,
            v2: metainfo.infoHashes.v2,
            name: name,
            metainfo: Array("d4:info".utf8) + metainfo.infoDictionary + Array("e".utf8),
            addedAt: WallClock.seconds
        )
    }
}
