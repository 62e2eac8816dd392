// SPDX-License-Identifier: Apache-2.0

/// A moment of the simulated world, in whole nanoseconds since it began; 292 years fit.
public struct VirtualTime: Comparable, Hashable, Sendable, CustomStringConvertible {
    /// Since the world began.
    public let nanoseconds: Int64

    /// The beginning.
    public static let zero = VirtualTime(nanoseconds: 0)

    /// So many after the beginning.
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// The moment that long after the beginning, rounded down to nanoseconds.
    public init(_ duration: Duration) {
        nanoseconds = duration.inNanoseconds
    }

    /// Since the beginning.
    public var duration: Duration { .nanoseconds(nanoseconds) }

    /// Whether it is earlier.
    public static func < (left: VirtualTime, right: VirtualTime) -> Bool { left.nanoseconds < right.nanoseconds }

    /// So much later.
    public static func + (left: VirtualTime, right: Duration) -> VirtualTime {
        VirtualTime(nanoseconds: left.nanoseconds + right.inNanoseconds)
    }

    /// From `right` to `left`.
    public static func - (left: VirtualTime, right: VirtualTime) -> Duration {
        .nanoseconds(left.nanoseconds - right.nanoseconds)
    }

    /// Seconds with milliseconds, by whole numbers only.
    public var description: String {
        let milliseconds = nanoseconds / 1_000_000
        let fraction = String(milliseconds % 1000)
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction + " s"
    }
}

extension Duration {
    /// Whole nanoseconds, rounded towards zero; the ends of the range stand for what does not fit.
    var inNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        return product &+ attoseconds / 1_000_000_000
    }
}
