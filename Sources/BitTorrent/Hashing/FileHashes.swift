// SPDX-License-Identifier: Apache-2.0
public import Wire

/// What BEP 52 says of one file's bytes.
public struct FileHashes: Hashable, Sendable {
    /// Bytes of the file.
    public var length: Int64
    /// The root of the file's tree; nil for an empty file.
    public var root: Digest256?
    /// 32 bytes a piece; empty for a file that is no longer than a piece.
    public var pieceLayer: [UInt8]

    /// `root` is nil for an empty file, and in trees that are hashed for v1 only.
    public init(length: Int64, root: Digest256?, pieceLayer: [UInt8] = []) {
        self.length = length
        self.root = root
        self.pieceLayer = pieceLayer
    }
}
