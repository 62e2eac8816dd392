// SPDX-License-Identifier: Apache-2.0

/// The number of a piece, from 0.
///
/// A number from a peer becomes an index through ``PieceMap/index(_:)``, which refuses what the torrent does not have.
public struct PieceIndex: Hashable, Comparable, Sendable {
    public let raw: Int32

    public init(_ raw: Int32) {
        self.raw = raw
    }

    public static func < (left: PieceIndex, right: PieceIndex) -> Bool { left.raw < right.raw }
}

extension PieceIndex: CustomStringConvertible {
    public var description: String { String(raw) }
}
