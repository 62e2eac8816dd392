// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Wire

extension MetainfoError {
    /// Whether this is the reason that libtorrent's tests give by `kind`; nil for a kind that is not known here.
    func isReason(_ kind: String) -> Bool? {
        switch kind {
        case "torrent_missing_name": self == .missingName
        case "torrent_missing_info": self == .missingInfo
        case "torrent_missing_piece_length": self == .invalidPieceLength
        case "torrent_invalid_piece_layer": self == .invalidPieceLayer
        case "torrent_inconsistent_files": self == .inconsistentHybrid
        case "no_files_in_torrent": self == .noContent
        case "torrent_file_parse_failed": self == .invalidFileTree
        case "torrent_invalid_length", "torrent_invalid_hashes", "too_many_pieces_in_torrent":
            isInvalidLength || isWrongPieceCount
        case "torrent_missing_pieces_root": isMissingRoot
        case "invalid_bencoding": isBencoding || self == .invalidFileTree
        case "depth_exceeded": isTooDeep
        default: nil
        }
    }

    /// libtorrent reads a file of no length that we cannot place, and a total beyond its bounds, as one error; ours
    /// name the file, or the bound.
    private var isInvalidLength: Bool {
        switch self {
        case .invalidFile, .tooLong, .noContent: true
        default: false
        }
    }

    private var isWrongPieceCount: Bool {
        switch self {
        case .wrongPieceCount, .missingPieces: true
        default: false
        }
    }

    private var isMissingRoot: Bool {
        if case .missingPiecesRoot = self { return true }
        return false
    }

    private var isBencoding: Bool {
        if case .notBencoded = self { return true }
        return false
    }

    private var isTooDeep: Bool {
        switch self {
        case .pathTooDeep, .notBencoded(.tooDeep): true
        default: false
        }
    }

    var isDuplicateKey: Bool {
        if case .notBencoded(.duplicateKey) = self { return true }
        return false
    }
}
