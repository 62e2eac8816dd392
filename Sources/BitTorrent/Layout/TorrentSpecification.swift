// SPDX-License-Identifier: Apache-2.0

/// Constants of the protocol, and the limits beyond which metadata is refused.
public enum TorrentSpecification {
    /// 16 KiB: what one request asks for (BEP 3), and the leaf of a BEP 52 tree.
    public static let blockLength = 1 << 14
    /// The smallest piece length of BEP 52.
    public static let minimumPieceLength = 1 << 14
    /// 512 MiB. A piece is the least that can be verified in v1, so a larger one would not be worth its name.
    public static let maximumPieceLength = 1 << 29
    /// The most files of a torrent, pad files not counted: more than any we know of has, and a bound for what a parser
    /// keeps.
    public static let maximumFiles = 1_000_000
    /// Bytes of a path, its separators included.
    public static let maximumPathBytes = 1024
    /// Bytes of one component: what file systems take.
    public static let maximumComponentBytes = 255
    /// Components of a path. A file tree nests two levels for each, which ``Bencode/Limits/depth`` leaves room for.
    public static let maximumPathDepth = 64
    /// 16 TiB, padding included.
    public static let maximumTotalLength: Int64 = 1 << 44
    /// 32 MiB: an info dictionary (BEP 9) or a .torrent file without its piece layers.
    public static let maximumMetadataBytes = 32 << 20
    /// Trackers, web seeds, DHT nodes and peers of one torrent or magnet, each kind; more are ignored.
    public static let maximumSources = 256
}
