// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension MetainfoError: CustomStringConvertible {
    /// For people, to stand behind a colon.
    public var description: String {
        switch self {
        case .notBencoded(let error): "it is not bencoded: \(error)"
        case .tooLarge(let limit): "it has more than \(limit) bytes"
        case .missingInfo: "it has no info dictionary"
        case .unsupportedVersion(let version): "its metadata has the version \(version), and only 2 is known"
        case .missingName: "it has no name"
        case .invalidPieceLength: "its piece length is missing or not allowed"
        case .missingPieces: "its piece hashes are missing or cut short"
        case .wrongPieceCount(let expected, let found): "it has \(found) piece hashes where its files make \(expected)"
        case .noContent: "it has no files, or only empty ones"
        case .invalidFile(let file): "its file \(file) has no valid length"
        case .invalidPath(let file): "its file \(file) has no valid path"
        case .tooManyFiles(let limit): "it has more than \(limit) files"
        case .tooLong(let limit): "its files have more than \(limit) bytes in all"
        case .pathTooDeep(let limit): "a path in it has more than \(limit) parts"
        case .pathTooLong(let limit): "a path in it has more than \(limit) bytes"
        case .invalidFileTree: "its file tree is no tree of files in ascending order"
        case .missingPiecesRoot(let file): "its file \(file) has no root hash"
        case .invalidPieceLayer: "a piece layer in it does not belong to its files"
        case .inconsistentHybrid: "its v1 and v2 sides describe different files"
        }
    }
}
