// SPDX-License-Identifier: Apache-2.0

/// A moment in microseconds since some start that one program keeps to: packets carry its low 32 bits.
public struct UTPInstant: Hashable, Comparable, Sendable {
    public var microseconds: Int64

    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

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
    public let slot: Int
    let generation: UInt32
}
