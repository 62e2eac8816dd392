// SPDX-License-Identifier: Apache-2.0

/// Which versions of the protocol a torrent's metadata serves.
public enum TorrentKind: String, Hashable, Sendable, CaseIterable {
    /// BEP 3: one stream of bytes in SHA-1 pieces.
    case v1
    /// BEP 52: a SHA-256 tree a file, each file starting a piece.
    case v2
    /// Both in one info dictionary, pad files (BEP 47) keeping the pieces in step.
    case hybrid

    /// Pieces are hashed by SHA-1: v1 and hybrid.
    public var hasV1: Bool { self != .v2 }
    /// Files have SHA-256 trees: v2 and hybrid.
    public var hasV2: Bool { self != .v1 }
}
