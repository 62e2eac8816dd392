// SPDX-License-Identifier: Apache-2.0

/// The number of a piece, from 0.
///
/// A number from a peer becomes an index through ``PieceMap/index(_:)``, which refuses what the torrent does not have.
public struct PieceIndex: Hashable, Comparable, Sendable {
    /// As the peer wire and resume files have it.
    public let raw: Int32

    /// For numbers that are known to be of a torrent: from outside they come through ``PieceMap/index(_:)``.
    public init(_ raw: Int32) {
        self.raw = raw
    }

    /// The order of the torrent's content.
    public static func < (left: PieceIndex, right: PieceIndex) -> Bool { left.raw < right.raw }
}

extension PieceIndex: CustomStringConvertible {
    /// The bare number.
    public var description: String { String(raw) }
}
