// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Storage
internal import Swarm

/// The pieces of a torrent whose files are all known, over the content store.
///
/// Thread-safe. A piece that spans files is written file by file; the files appear as the store promotes them.
struct MappedPieces: PieceStorage {
    let map: PieceMap
    /// In the torrent's order.
    let files: [StoredFile]
    let content: ContentStore

    func write(_ piece: PieceIndex, _ bytes: RawSpan) throws(PieceStorageError) {
        guard map.index(piece.raw) != nil else { throw .noSuchPiece(Int(piece.raw)) }
        for segment in map.segments(of: piece) where !segment.isPadding {
            let end = segment.pieceOffset + segment.length
            guard end <= bytes.byteCount else { throw .noSuchPiece(Int(piece.raw)) }
            try content.keep(bytes.extracting(segment.pieceOffset..<end), of: files[segment.file], at: segment.offset)
        }
    }

    func read(_ piece: PieceIndex, offset: Int, into bytes: inout MutableRawSpan) throws(PieceStorageError) {
        guard map.index(piece.raw) != nil else { throw .noSuchPiece(Int(piece.raw)) }
        for segment in map.segments(of: piece, begin: offset, length: bytes.byteCount) {
            let start = segment.pieceOffset - offset
            let file = segment.isPadding ? StoredFile(key: nil, length: 0) : files[segment.file]
            try content.fill(&bytes, start..<start + segment.length, from: file, at: segment.offset)
        }
    }

    func save(verified: Bitfield) throws(PieceStorageError) { try content.saveAll() }

    /// The pieces of which every byte is in the store and verified.
    func held() throws(StorageError) -> Bitfield {
        var isHeld = [Bool](repeating: true, count: map.pieceCount)
        for (number, file) in files.enumerated() {
            guard let key = file.key, file.length > 0 else { continue }
            let verified = try content.verified(key, length: file.length)
            if verified.contains(0..<file.length) { continue }
            for piece in map.pieces(file: number) where isHeld[piece] {
                guard let index = map.index(piece) else { continue }
                let segments = map.segments(of: index).filter { $0.file == number && !$0.isPadding }
                isHeld[piece] = segments.allSatisfy {
                    verified.contains($0.offset..<$0.offset + Int64($0.length))
                }
            }
        }
        var held = Bitfield(count: map.pieceCount)
        for piece in isHeld.indices where isHeld[piece] { held[piece] = true }
        return held
    }
}
