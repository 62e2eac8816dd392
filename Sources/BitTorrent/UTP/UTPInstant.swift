// SPDX-License-Identifier: Apache-2.0

/// A moment in microseconds since some start that one program keeps to: packets carry its low 32 bits.
public struct UTPInstant: Hashable, Comparable, Sendable {
    /// Since that start.
    public var microseconds: Int64

    /// From a monotonic clock: it must not jump.
    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// The earlier first.
    public static func < (left: UTPInstant, right: UTPInstant) -> Bool { left.microseconds < right.microseconds }

    /// Later by so many microseconds.
    static func + (left: UTPInstant, microseconds: Int64) -> UTPInstant {
        UTPInstant(microseconds: left.microseconds + microseconds)
    }

    /// Microseconds from `right` to `left`.
    static func - (left: UTPInstant, right: UTPInstant) -> Int64 { left.microseconds - right.microseconds }

    /// What packets carry.
    var wire: UInt32 { UInt32(truncatingIfNeeded: microseconds) }
}

/// Which connection of a ``UTPMultiplexer``. A number is used again; the generation tells its users apart.
public struct UTPConnectionID: Hashable, Sendable {
    /// Its place among the connections, from 0 and below ``UTPConfiguration/maximumConnections``.
    public let slot: Int
    let generation: UInt32
}
