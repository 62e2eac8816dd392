// SPDX-License-Identifier: Apache-2.0

/// One-way delays of one direction: the smallest of each of the last minutes, and how far the present one lies above them
/// (BEP 29 "congestion control", RFC 6817 §2.4.2).
///
/// Delays are differences between two clocks that were never set to each other, modulo 2³²: only their distances mean
/// anything.
struct UTPDelayHistory: Sendable {
    private static let minute: Int64 = 60_000_000

    private var minutes: [UInt32] = []
    private var minuteStart = UTPInstant(microseconds: 0)
    private var recent: [UInt32] = []
    private var nextRecent = 0
    /// The smallest delay known: that of the path without queues. Nil before the first sample.
    private(set) var base: UInt32?

    /// Old enough for a slow change to show: the base of the first minute falls for many reasons.
    var isSettled: Bool { minutes.count > 1 }

    /// - Returns: microseconds that packets wait in queues at present, by the smallest of the last few samples.
    mutating func add(_ sample: UInt32, now: UTPInstant) -> Int64 {
        if minutes.isEmpty || now - minuteStart >= Self.minute {
            if minutes.count == UTPSpecification.baseHistoryMinutes { minutes.removeFirst() }
            minutes.append(sample)
            minuteStart = now
            base = minutes.reduce(sample) { Self.smaller($0, $1) }
        } else {
            minutes[minutes.count - 1] = Self.smaller(minutes[minutes.count - 1], sample)
        }
        let base = Self.smaller(base ?? sample, sample)
        self.base = base
        remember(sample)
        let current = recent.reduce(sample) { Self.smaller($0, $1) }
        return max(0, Self.distance(from: base, to: current))
    }

    /// Takes a change of the clocks' distance into account: what is kept moves by so many microseconds.
    mutating func shift(by microseconds: Int64) {
        let step = UInt32(truncatingIfNeeded: microseconds)
        for index in minutes.indices { minutes[index] &+= step }
        for index in recent.indices { recent[index] &+= step }
        base = base.map { $0 &+ step }
    }

    /// The path may have changed.
    mutating func reset() { self = UTPDelayHistory() }

    private mutating func remember(_ sample: UInt32) {
        if recent.count < UTPSpecification.currentDelaySamples {
            recent.append(sample)
        } else {
            recent[nextRecent] = sample
            nextRecent = (nextRecent + 1) % UTPSpecification.currentDelaySamples
        }
    }

    static func distance(from left: UInt32, to right: UInt32) -> Int64 { Int64(Int32(bitPattern: right &- left)) }

    private static func smaller(_ left: UInt32, _ right: UInt32) -> UInt32 {
        distance(from: left, to: right) < 0 ? right : left
    }
}
