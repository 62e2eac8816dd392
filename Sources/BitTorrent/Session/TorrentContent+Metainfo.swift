// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension TorrentContent {
    /// What a session needs of a torrent's metadata; nil where it has more pieces than a session takes.
    public init?(_ metainfo: Metainfo) {
        var files: [HashedFile] = []
        var trees: [Digest256: MerkleTree] = [:]
        for (index, file) in metainfo.files.enumerated() {
            guard let root = file.piecesRoot, file.length > 0, !file.isPadding else { continue }
            let first = metainfo.pieceMap.pieces(file: index).lowerBound
            files.append(HashedFile(firstPiece: first, length: file.length, root: root))
            if file.length > Int64(metainfo.pieceLength), trees[root] == nil {
                trees[root] = metainfo.tree(file: index)
            }
        }
        self.init(map: metainfo.pieceMap, v1: metainfo.v1Pieces, files: files, trees: trees)
        isPrivate = metainfo.isPrivate
    }
}
