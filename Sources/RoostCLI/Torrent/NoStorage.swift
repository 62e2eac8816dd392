// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Swarm

/// For a torrent of which only the info dictionary is wanted: no folder is made, and no piece is kept.
struct NoStorage: PieceStorage {
    func write(_ piece: PieceIndex, _: RawSpan) throws(PieceStorageError) { throw .noSuchPiece(Int(piece.raw)) }

    func read(_ piece: PieceIndex, offset _: Int, into _: inout MutableRawSpan) throws(PieceStorageError) {
        throw .noSuchPiece(Int(piece.raw))
    }

    func save(verified _: Bitfield) {}
}
