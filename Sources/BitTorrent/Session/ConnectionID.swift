// SPDX-License-Identifier: Apache-2.0

/// One connection of one session, dialled or accepted; never used again.
public struct ConnectionID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Counts up from 1 in each session.
    public let raw: UInt32

    /// For the session, which hands numbers out, and for tests.
    public init(_ raw: UInt32) { self.raw = raw }

    /// No connection.
    public static let none = ConnectionID(0)

    /// The older connection first.
    public static func < (left: ConnectionID, right: ConnectionID) -> Bool { left.raw < right.raw }
    /// For logs.
    public var description: String { "connection \(raw)" }
}
