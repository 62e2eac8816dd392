// SPDX-License-Identifier: Apache-2.0
public import Wire

/// One file of a torrent, where it lies among the pieces and how it is verified.
public struct TorrentFile: Hashable, Sendable {
    /// The components as the torrent has them, the torrent's own name not among them unless it is a single file.
    /// Not fit for a file system before ``PathSanitizer`` has seen them.
    public var path: [String]
    /// Bytes, 0 or more.
    public var length: Int64
    /// Where the file starts in the space of the pieces; in v2 a multiple of the piece length.
    public var offset: Int64
    /// The root of the file's BEP 52 tree; nil in v1, for an empty file and for padding.
    public var piecesRoot: Digest256?
    /// Whoever unpacks the torrent may run the file (BEP 47, attribute `x`).
    public var isExecutable: Bool
    /// Zeros that keep the next file on a piece boundary (BEP 47); never stored.
    public var isPadding: Bool
    /// The torrent asks not to show the file (BEP 47, attribute `h`); kept, and not acted on.
    public var isHidden: Bool
    /// Where a symbolic link points, from the torrent's root (BEP 47); such a file has no content.
    public var symlinkTarget: [String]?

    init(
        path: [String],
        length: Int64,
        offset: Int64,
        piecesRoot: Digest256? = nil,
        isExecutable: Bool = false,
        isPadding: Bool = false,
        isHidden: Bool = false,
        symlinkTarget: [String]? = nil
    ) {
        self.path = path
        self.length = length
        self.offset = offset
        self.piecesRoot = piecesRoot
        self.isExecutable = isExecutable
        self.isPadding = isPadding
        self.isHidden = isHidden
        self.symlinkTarget = symlinkTarget
    }
}
