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
    /// Where it says that it is found.
    let sources: SourceHints

    /// `hash`: under which it was found. `sources`: what the link said, where the metadata came from peers.
    init(_ metainfo: Metainfo, hash: Digest160, sources: SourceHints = SourceHints()) throws {
        guard metainfo.pieceLength <= TorrentContent.maximumPieceLength else {
            throw NodeError(
                .badData,
                "the torrent's pieces are \(metainfo.pieceLength) bytes long, and at most \(TorrentContent.maximumPieceLength) are held in memory",
                remedy: "Ask for the torrent to be made with shorter pieces."
            )
        }
        self.metainfo = metainfo
        self.sources = sources.isEmpty ? SourceHints(metainfo.sources) : sources
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

    /// One whose description is here already: under the infohash by which it is opened then, v2's where it has one.
    init(_ metainfo: Metainfo) throws {
        try self.init(metainfo, hash: metainfo.infoHashes.short[metainfo.infoHashes.short.count - 1])
    }

    /// What the bytes of a file on the disk must hash to.
    func proof(of file: File) -> CheckedReader.Proof {
        if case .file? = file.key { return .root(pieceLength: metainfo.pieceLength) }
        return .pieces(metainfo, file: file.number)
    }

    /// The file at a path of the listing, compared as bytes; nil where there is none.
    func file(at path: [String]) -> File? {
        files.first { $0.path.elementsEqual(path) { $0.utf8.elementsEqual($1.utf8) } }
    }

    /// With the sources that are known, which a link may have said.
    private var torrentFile: [UInt8] {
        var all = metainfo.sources
        (all.trackers, all.webSeeds, all.httpSeeds) = (sources.trackers, sources.webSeeds, sources.httpSeeds)
        return metainfo.torrentFile(with: all)
    }

    /// What a node says of a private torrent (BEP 27): it finds peers in ways that such a torrent forbids.
    static let isPrivate = NodeError(
        .notPermitted,
        "this torrent is private: its peers may come only from its tracker",
        remedy: "Use `roost torrent get`."
    )

    /// What is kept of it, so that the next start knows it without peers.
    var record: TorrentRecord {
        TorrentRecord(
            v1: metainfo.infoHashes.v1,
            v2: metainfo.infoHashes.v2,
            name: name,
            metainfo: torrentFile,
            addedAt: WallClock.seconds
        )
    }
}
