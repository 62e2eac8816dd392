// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Why a .torrent file or an info dictionary is refused. Files are counted as they stand in it, from 0.
public enum MetainfoError: Error, Equatable {
    case notBencoded(BencodeError)
    /// Larger than the limit, in bytes.
    case tooLarge(limit: Int)
    /// No dictionary, or none under `info`.
    case missingInfo
    /// The metadata is of a version that is not BEP 52's 2.
    case unsupportedVersion(Int64)
    /// No name, or nothing in it that could be shown.
    case missingName
    /// Missing, out of range, or in v2 no power of two of at least 16 KiB.
    case invalidPieceLength
    /// No piece hashes where v1 needs them, or their bytes are no multiple of 20.
    case missingPieces
    /// Another number of piece hashes than the lengths of the files make.
    case wrongPieceCount(expected: Int, found: Int)
    /// No files, or nothing but empty ones.
    case noContent
    /// A length that is missing or negative, or a file that is no dictionary.
    case invalidFile(Int)
    /// A path that is missing, or is no list of byte strings.
    case invalidPath(file: Int)
    case tooManyFiles(limit: Int)
    /// More bytes in all than the limit.
    case tooLong(limit: Int64)
    case pathTooDeep(limit: Int)
    case pathTooLong(limit: Int)
    /// The v2 file tree is no tree of files, or its keys do not ascend.
    case invalidFileTree
    /// A v2 file with content but without a root.
    case missingPiecesRoot(file: Int)
    /// A piece layer of another size, one that does not lead to its root, or one of no file.
    case invalidPieceLayer
    /// The v1 and the v2 side of a hybrid describe different files, or pieces out of step.
    case inconsistentHybrid
}
