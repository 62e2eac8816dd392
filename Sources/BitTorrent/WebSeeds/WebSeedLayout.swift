// SPDX-License-Identifier: Apache-2.0
public import Wire

/// How a web seed is asked.
public enum WebSeedKind: Hashable, Sendable {
    /// BEP 19 (`url-list`, `ws=`): the files lie on an ordinary server.
    case files
    /// BEP 17 (`httpseeds`): a program hands out pieces.
    case pieces
}

/// Where on a web seed the bytes of a torrent are.
///
/// Memory: the list of files, shared with the torrent's metainfo.
public struct WebSeedLayout: Sendable {
    /// Bytes that one request brings, or that are known to be zero.
    struct Part: Equatable, Sendable {
        /// Nil for padding inside a piece: zeros that nobody is asked for.
        var url: ServiceURL?
        /// The file on the server, for what is learned of it; -1 where there are none.
        var file: Int
        /// The piece, where that is what is asked for (BEP 17).
        var piece: PieceIndex?
        /// The bytes wanted of what the URL names.
        var range: Range<Int64>
        /// The whole length of it, where the torrent says so: then no range is needed for all of it.
        var fileLength: Int64?

        var length: Int64 { range.upperBound - range.lowerBound }
    }

    private let kind: WebSeedKind
    private let base: ServiceURL
    private let name: String
    private let isSingleFile: Bool
    private let files: [TorrentFile]
    let map: PieceMap
    private let hash: Digest160?

    /// `base`: as the torrent or the link has it.
    /// - Returns: nil for what is no HTTP, and for a program that would have to know the torrent by a v2 hash (BEP 17 has none).
    public init?(_ kind: WebSeedKind, base: ServiceURL, metainfo: Metainfo) {
        guard base.scheme != .udp, kind == .files || metainfo.infoHashes.v1 != nil else { return nil }
        self.kind = kind
        self.base = base
        name = metainfo.name
        isSingleFile = metainfo.isSingleFile
        files = metainfo.files
        map = metainfo.pieceMap
        hash = metainfo.infoHashes.v1
    }

    /// What to ask for so as to get the pieces' data in order, without padding at their ends.
    func parts(of pieces: Range<PieceIndex>) -> [Part] {
        var parts: [Part] = []
        for raw in pieces.lowerBound.raw..<pieces.upperBound.raw where map.index(raw) != nil {
            let piece = PieceIndex(raw)
            switch kind {
            case .pieces: parts.append(part(ofPiece: piece))
            case .files: appendSegments(of: piece, to: &parts)
            }
        }
        return parts
    }

    /// The pieces of which bytes lie in the file.
    func pieces(ofFile file: Int) -> Range<PieceIndex> {
        let pieces = file >= 0 ? map.pieces(file: file) : map.indices
        return PieceIndex(Int32(pieces.lowerBound))..<PieceIndex(Int32(pieces.upperBound))
    }

    private func part(ofPiece piece: PieceIndex) -> Part {
        let length = map.dataLength(of: piece)
        return Part(
            url: url(ofPiece: piece, 0..<length),
            file: -1,
            piece: piece,
            range: 0..<Int64(length),
            fileLength: nil
        )
    }

    /// BEP 17: a range is named where it is not all of the piece, as at the padded end of a hybrid's file.
    func url(ofPiece piece: PieceIndex, _ range: Range<Int>) -> ServiceURL {
        var query = "info_hash=" + PercentEncoding.encode(hash?.bytes ?? []) + "&piece=\(piece.raw)"
        if range != 0..<map.length(of: piece) { query += "&ranges=\(range.lowerBound)-\(range.upperBound - 1)" }
        return base.adding(query: query)
    }

    private func appendSegments(of piece: PieceIndex, to parts: inout [Part]) {
        for segment in map.segments(of: piece, begin: 0, length: map.dataLength(of: piece)) {
            let range = segment.offset..<segment.offset + Int64(segment.length)
            if let last = parts.last, last.file == segment.file, last.url != nil, !segment.isPadding,
                last.range.upperBound == range.lowerBound
            {
                parts[parts.count - 1].range = last.range.lowerBound..<range.upperBound
            } else {
                let url = segment.isPadding ? nil : url(ofFile: segment.file)
                let length = files[segment.file].length
                parts.append(Part(url: url, file: segment.file, piece: nil, range: range, fileLength: length))
            }
        }
    }

    /// What is left of a part, to be asked for anew.
    func rest(of part: Part) -> Part {
        guard let piece = part.piece else { return part }
        var rest = part
        rest.url = url(ofPiece: piece, Int(part.range.lowerBound)..<Int(part.range.upperBound))
        return rest
    }

    /// BEP 19: of a single file the URL is that of the file, unless it ends in a slash; of several it is that of the folder in
    /// which the torrent's own folder lies. Names are escaped as UTF-8, slashes in them too.
    func url(ofFile file: Int) -> ServiceURL {
        let folder = base.path.hasSuffix("/") ? base.path : base.path + "/"
        if isSingleFile {
            return base.path.hasSuffix("/") ? base.with(path: folder + PercentEncoding.encode(name)) : base
        }
        let names = [name] + files[file].path
        return base.with(path: folder + names.map { PercentEncoding.encode($0) }.joined(separator: "/"))
    }
}
