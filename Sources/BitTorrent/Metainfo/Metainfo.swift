// SPDX-License-Identifier: Apache-2.0
internal import Keys
public import Wire

/// What a torrent is: its files, how they are cut into pieces, and the hashes that prove them (BEP 3, BEP 47, BEP 52).
///
/// Made from a .torrent file, or from the info dictionary alone as peers send it (BEP 9). Infohashes are over the bytes
/// received. Everything in it has been checked against the limits of ``TorrentSpecification``.
public struct Metainfo: Sendable {
    /// Over ``infoDictionary``: one, or in a hybrid both.
    public let infoHashes: InfoHashes
    /// Which versions the info dictionary has all fields of.
    public let kind: TorrentKind
    /// What the torrent calls itself; not fit for a file system before ``PathSanitizer`` has seen it.
    public let name: String
    /// Whether the one file is the torrent itself; several lie in a folder of the torrent's name.
    public let isSingleFile: Bool
    /// Bytes of a piece; in v2 and hybrid a power of two from 16 KiB.
    public let pieceLength: Int
    /// In the torrent's order, pad files of v1 and hybrid torrents among them.
    public let files: [TorrentFile]
    /// Which bytes of which files each piece covers.
    public let pieceMap: PieceMap
    /// BEP 27: peers may come only from the trackers.
    public let isPrivate: Bool
    /// 20 bytes a piece; empty in v2.
    public let v1Pieces: [UInt8]
    /// The `info` dictionary exactly as it was received.
    public let infoDictionary: [UInt8]
    /// Where peers and data may be; empty where only the info dictionary came (BEP 9).
    public let sources: TorrentSources
    /// BEP 38, as the info dictionary has it; see ``similar``.
    let hints: SimilarTorrents
    /// The piece layers that are known, by pieces root: 32 bytes a piece. Each has been checked against its root.
    public private(set) var pieceLayers: [Digest256: [UInt8]] = [:]

    /// Reads a .torrent file.
    public init(torrentFile bytes: [UInt8]) throws(MetainfoError) {
        // Piece layers stand beside the info dictionary, and are bounded by the number of pieces.
        let document = try Self.parse(bytes, limit: TorrentSpecification.maximumMetadataBytes * 4, mayEndInSpace: true)
        guard document.isDictionary, let info = document["info"], info.isDictionary else { throw .missingInfo }
        try self.init(info: info) { TorrentSources(document, isMultiFile: $0) }
        try takePieceLayers(document["piece layers"])
    }

    /// Reads an info dictionary by itself.
    public init(infoDictionary bytes: [UInt8]) throws(MetainfoError) {
        let info = try Self.parse(bytes, limit: TorrentSpecification.maximumMetadataBytes)
        guard info.isDictionary else { throw .missingInfo }
        try self.init(info: info) { _ in TorrentSources() }
    }

    /// A hybrid as those see it who know nothing of v2; nil where it has no v1.
    ///
    /// Who has only its v1 infohash meets only peers that may know no more, and so cannot prove the piece layers that v2 demands:
    /// to him it is a v1 torrent. ``infoDictionary`` and so the infohash stay as they are.
    public var v1View: Metainfo? { kind.hasV1 ? Metainfo(v1Of: self) : nil }

    private init(v1Of other: Metainfo) {
        infoHashes = InfoHashes(v1: other.infoHashes.v1)
        kind = .v1
        name = other.name
        isSingleFile = other.isSingleFile
        pieceLength = other.pieceLength
        files = other.files.map { file in
            var file = file
            file.piecesRoot = nil
            return file
        }
        pieceMap = other.pieceMap
        isPrivate = other.isPrivate
        v1Pieces = other.v1Pieces
        infoDictionary = other.infoDictionary
        sources = other.sources
        hints = other.hints
    }

    /// Many .torrent files end in a line break that an editor added, so they may end in space; peers send none.
    private static func parse(
        _ bytes: [UInt8],
        limit: Int,
        mayEndInSpace: Bool = false
    ) throws(MetainfoError) -> BencodeNode {
        // A file takes up to nine values.
        let limits = Bencode.Limits(bytes: limit, values: 9 * TorrentSpecification.maximumFiles)
        let parsed: (node: BencodeNode, end: Int)
        do {
            parsed = try Bencode.parsePrefix(bytes, mode: .tolerant, limits: limits)
        } catch .tooLarge(let limit) {
            throw .tooLarge(limit: limit)
        } catch {
            throw .notBencoded(error)
        }
        let rest = bytes[parsed.end...]
        guard rest.isEmpty || (mayEndInSpace && rest.allSatisfy { [0x20, 0x0A, 0x0D].contains($0) }) else {
            throw .notBencoded(.trailingBytes(offset: parsed.end))
        }
        return parsed.node
    }

    private init(info: BencodeNode, sources: (_ isMultiFile: Bool) -> TorrentSources) throws(MetainfoError) {
        guard info.raw.count <= TorrentSpecification.maximumMetadataBytes else {
            throw .tooLarge(limit: TorrentSpecification.maximumMetadataBytes)
        }
        let parsed = try InfoDictionary(info)
        kind = parsed.kind
        name = parsed.name
        isSingleFile = parsed.isSingleFile
        pieceLength = parsed.pieceLength
        files = parsed.files
        pieceMap = parsed.pieceMap
        v1Pieces = parsed.pieces
        isPrivate = info["private"]?.integer == 1
        hints = SimilarTorrents(info)
        infoDictionary = Array(info.raw)
        infoHashes = InfoHashes(
            v1: kind.hasV1 ? Hash.sha1(info.raw) : nil,
            v2: kind.hasV2 ? Hash.sha256(info.raw) : nil
        )
        self.sources = sources(!parsed.isSingleFile)
    }

    /// Bytes of all files, padding not counted.
    public var totalLength: Int64 { pieceMap.contentLength }

    // MARK: Hashes

    /// The SHA-1 of a piece; nil in v2.
    public func v1Hash(of piece: PieceIndex) -> Digest160? {
        let start = Int(piece.raw) * Digest160.byteCount
        guard start >= 0, start + Digest160.byteCount <= v1Pieces.count else { return nil }
        return Digest160(v1Pieces[start..<start + Digest160.byteCount])
    }

    /// The file of a v2 or hybrid torrent that a piece belongs to, and its number within the file.
    public func v2Place(of piece: PieceIndex) -> (file: Int, pieceInFile: Int)? {
        guard kind.hasV2, let file = pieceMap.segments(of: piece).first?.file else { return nil }
        return (file, Int(piece.raw) - pieceMap.pieces(file: file).lowerBound)
    }

    /// The root of a piece's own tree; nil in v1 and where the file's piece layer is not known.
    public func v2Hash(of piece: PieceIndex) -> Digest256? {
        guard let place = v2Place(of: piece), let root = files[place.file].piecesRoot else { return nil }
        guard files[place.file].length > Int64(pieceLength) else { return root }
        let start = place.pieceInFile * Digest256.byteCount
        guard let layer = pieceLayers[root], start + Digest256.byteCount <= layer.count else { return nil }
        return Digest256(layer[start..<start + Digest256.byteCount])
    }

    // MARK: Piece layers

    /// The files longer than a piece whose piece layer is not known yet, by number.
    public var filesWithoutPieceLayer: [Int] {
        guard kind.hasV2 else { return [] }
        return files.indices.filter { index in
            guard let root = files[index].piecesRoot, files[index].length > Int64(pieceLength) else { return false }
            return pieceLayers[root] == nil
        }
    }

    /// The tree of a file, with its piece layer where that is known; nil in v1 and for an empty file.
    public func tree(file: Int) -> MerkleTree? {
        guard files.indices.contains(file), let root = files[file].piecesRoot,
            var tree = MerkleTree(root: root, length: files[file].length, pieceLength: pieceLength)
        else { return nil }
        if let layer = pieceLayers[root], !tree.setPieceLayer(layer) { return nil }
        return tree
    }

    /// Adds a piece layer that came apart from the torrent, such as from peers.
    ///
    /// - Returns: false where no file has that root, or the layer does not lead to it.
    public mutating func addPieceLayer(_ bytes: [UInt8], root: Digest256) -> Bool {
        guard let file = files.first(where: { $0.piecesRoot == root && $0.length > Int64(pieceLength) }) else {
            return false
        }
        return take(layer: bytes[...], root: root, length: file.length)
    }

    private mutating func take(layer: ArraySlice<UInt8>, root: Digest256, length: Int64) -> Bool {
        let verified = MerkleTree.verified(
            layer: layer,
            root: root,
            count: Int((length - 1) / Int64(pieceLength)) + 1,
            layer: Merkle.pieceLayer(pieceLength: pieceLength)
        )
        guard verified != nil else { return false }
        pieceLayers[root] = Array(layer)
        return true
    }

    private mutating func takePieceLayers(_ node: BencodeNode?) throws(MetainfoError) {
        guard kind.hasV2, let node else { return }
        guard let entries = node.entries else { throw .invalidPieceLayer }
        var lengths: [Digest256: Int64] = [:]
        for file in files where file.length > Int64(pieceLength) {
            guard let root = file.piecesRoot else { continue }
            if let other = lengths[root], other != file.length { throw .invalidPieceLayer }
            lengths[root] = file.length
        }
        for (key, value) in entries {
            guard let root = Digest256(key), let length = lengths[root], let layer = value.bytes,
                take(layer: layer, root: root, length: length)
            else { throw .invalidPieceLayer }
        }
    }
}
