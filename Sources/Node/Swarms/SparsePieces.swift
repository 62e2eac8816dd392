// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Storage
internal import Swarm
internal import Synchronization

/// The pieces of a v2 torrent of which only single files are known, over the content store.
///
/// Thread-safe. Memory: 48 bytes a known file.
final class SparsePieces: PieceStorage {
    private let pieceLength: Int
    private let content: ContentStore
    /// By first piece.
    private let files = Mutex<[TorrentContent.HashedFile]>([])

    init(pieceLength: Int, content: ContentStore) {
        self.pieceLength = pieceLength
        self.content = content
    }

    /// Makes a file known. It must be before the torrent is told of it.
    func add(_ file: TorrentContent.HashedFile) {
        files.withLock { files in
            let position = files.firstIndex { $0.firstPiece >= file.firstPiece } ?? files.count
            if position < files.count, files[position].firstPiece == file.firstPiece { return }
            files.insert(file, at: position)
        }
    }

    private func place(of piece: PieceIndex) throws(PieceStorageError) -> (file: StoredFile, offset: Int64) {
        let number = Int(piece.raw)
        let found = files.withLock { files -> TorrentContent.HashedFile? in
            var low = 0
            var high = files.count
            while low < high {
                let middle = (low + high) / 2
                if files[middle].firstPiece <= number { low = middle + 1 } else { high = middle }
            }
            return low > 0 ? files[low - 1] : nil
        }
        guard let found, case let offset = Int64(number - found.firstPiece) * Int64(pieceLength), offset < found.length
        else { throw .noSuchPiece(number) }
        return (StoredFile(key: .file(root: found.root), length: found.length), offset)
    }

    func write(_ piece: PieceIndex, _ bytes: RawSpan) throws(PieceStorageError) {
        let (file, offset) = try place(of: piece)
        let count = Int(min(Int64(bytes.byteCount), file.length - offset))
        try content.keep(bytes.extracting(0..<count), of: file, at: offset)
    }

    func read(_ piece: PieceIndex, offset: Int, into bytes: inout MutableRawSpan) throws(PieceStorageError) {
        let (file, start) = try place(of: piece)
        try content.fill(&bytes, 0..<bytes.byteCount, from: file, at: start + Int64(offset))
    }

    func save(verified: Bitfield) throws(PieceStorageError) { try content.saveAll() }
}
