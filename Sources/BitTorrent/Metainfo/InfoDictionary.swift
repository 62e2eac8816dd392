// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Reads what stands under `info`, v1, v2 or both.
struct InfoDictionary {
    let kind: TorrentKind
    let name: String
    let pieceLength: Int
    let pieces: [UInt8]
    let isSingleFile: Bool
    let files: [TorrentFile]
    let pieceMap: PieceMap

    init(_ info: BencodeNode) throws(MetainfoError) {
        // BEP 52: the version comes first, so that newer torrents are told from broken ones.
        let version = info["meta version"]
        if let version, version.integer != 2 { throw .unsupportedVersion(version.integer ?? 0) }
        let hasV1 = info["pieces"] != nil || version == nil
        let kind: TorrentKind = version == nil ? .v1 : hasV1 ? .hybrid : .v2
        let rawName = try Self.name(info)
        let name = ListedPath.text(info["name.utf-8"]?.bytes.flatMap { Self.isUsable($0) ? $0 : nil } ?? rawName)
        let pieceLength = try Self.pieceLength(info, kind)
        let isHybrid = kind == .hybrid
        let tree = kind.hasV2 ? try FileTree(info["file tree"], keepsRawPaths: isHybrid) : nil
        let list =
            kind.hasV1 ? try FileList(info, name: rawName, displayName: name, keepsRawPaths: isHybrid) : nil
        let listed = try Self.merge(list: list?.files, tree: tree?.files, pieceLength: pieceLength)
        let files = Self.place(listed, pieceLength: kind == .v2 ? pieceLength : 1)
        guard files.contains(where: { $0.length > 0 && !$0.isPadding }) else { throw .noContent }
        guard let map = PieceMap(files: files, pieceLength: pieceLength, kind: kind) else {
            throw .tooLong(limit: TorrentSpecification.maximumTotalLength)
        }
        self.kind = kind
        self.name = name
        self.pieceLength = pieceLength
        self.files = files
        isSingleFile = list?.isSingleFile ?? tree?.isSingleFile ?? false
        pieceMap = map
        pieces = kind.hasV1 ? try Self.pieces(info, count: map.pieceCount) : []
    }

    private static func name(_ info: BencodeNode) throws(MetainfoError) -> ArraySlice<UInt8> {
        for key in ["name", "name.utf-8"] {
            if let name = info[key]?.bytes, isUsable(name) { return name }
        }
        throw .missingName
    }

    /// Whether something is left of a name besides control characters.
    private static func isUsable(_ name: ArraySlice<UInt8>) -> Bool {
        name.count <= TorrentSpecification.maximumPathBytes && name.contains { $0 > 0x20 && $0 != 0x7F }
    }

    private static func pieceLength(_ info: BencodeNode, _ kind: TorrentKind) throws(MetainfoError) -> Int {
        guard let number = info["piece length"]?.integer, let length = Int(exactly: number),
            (1...TorrentSpecification.maximumPieceLength).contains(length),
            kind == .v1 || PieceLength.isValidForV2(length)
        else { throw .invalidPieceLength }
        return length
    }

    private static func pieces(_ info: BencodeNode, count: Int) throws(MetainfoError) -> [UInt8] {
        guard let pieces = info["pieces"]?.bytes, pieces.count % Digest160.byteCount == 0 else { throw .missingPieces }
        let found = pieces.count / Digest160.byteCount
        guard found == count else { throw .wrongPieceCount(expected: count, found: found) }
        return Array(pieces)
    }

    /// Where each file starts: end to end, or at the next multiple of `pieceLength`.
    private static func place(_ listed: [ListedFile], pieceLength: Int) -> [TorrentFile] {
        let step = Int64(pieceLength)
        var offset: Int64 = 0
        return listed.map { file in
            if file.length > 0 { offset = (offset + step - 1) / step * step }
            defer { offset += file.length }
            return file.placed(at: offset)
        }
    }

    /// The files of the torrent; those of a hybrid carry the roots of its v2 side.
    ///
    /// BEP 52 "Upgrade Path": both sides must list the same files in the same order, and pad files must put each one at
    /// the start of a piece.
    private static func merge(
        list: [ListedFile]?,
        tree: [ListedFile]?,
        pieceLength: Int
    ) throws(MetainfoError) -> [ListedFile] {
        guard var list else { return tree ?? [] }
        guard let tree else { return list }
        var next = tree.makeIterator()
        var offset: Int64 = 0
        for index in list.indices {
            defer { offset += list[index].length }
            if list[index].attributes.contains(.padding) { continue }
            guard let file = next.next(), file.length == list[index].length, file.rawPath == list[index].rawPath,
                file.length == 0 || offset % Int64(pieceLength) == 0
            else { throw .inconsistentHybrid }
            list[index].root = file.root
        }
        guard next.next() == nil else { throw .inconsistentHybrid }
        return list
    }
}
