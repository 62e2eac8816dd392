// SPDX-License-Identifier: Apache-2.0

/// One connection of one session, dialled or accepted; never used again.
public struct ConnectionID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let raw: UInt32

    public init(_ raw: UInt32) { self.raw = raw }

    /// No connection.
    public static let none = ConnectionID(0)

    public static func < (left: ConnectionID, right: ConnectionID) -> Bool { left.raw < right.raw }
    public var description: String { "connection \(raw)" }
}
