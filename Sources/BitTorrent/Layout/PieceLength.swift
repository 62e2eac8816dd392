// SPDX-License-Identifier: Apache-2.0

/// How long the pieces of a torrent are.
public enum PieceLength {
    /// How many pieces ``automatic(totalSize:)`` aims to stay within.
    public static let preferredPieceCount: Int64 = 2048
    /// 16 MiB: the longest that ``automatic(totalSize:)`` answers.
    public static let longestAutomatic = 1 << 24

    /// The smallest power of two, from 16 KiB to 16 MiB, that cuts `totalSize` bytes into at most 2,048 pieces.
    ///
    /// Part of what makes one folder one infohash everywhere: it must never change for trees that are called `site`.
    /// Up to 32 MiB it is 16 KiB, at 1 GiB 512 KiB, above 16 GiB 16 MiB.
    ///
    /// `totalSize` is the sum of the files' lengths, padding not counted.
    public static func automatic(totalSize: Int64) -> Int {
        var length = TorrentSpecification.minimumPieceLength
        while length < longestAutomatic, totalSize > Int64(length) * preferredPieceCount { length <<= 1 }
        return length
    }

    /// Whether `length` may stand in v2 metadata: a power of two of at least 16 KiB (BEP 52).
    public static func isValidForV2(_ length: Int) -> Bool {
        (TorrentSpecification.minimumPieceLength...TorrentSpecification.maximumPieceLength).contains(length)
            && length & (length - 1) == 0
    }
}
