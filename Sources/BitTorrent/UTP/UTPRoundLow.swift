// SPDX-License-Identifier: Apache-2.0

/// The smallest delay of the last half to one and a half round trips: what stands in the path's queues however we send.
///
/// What we send in a run queues behind itself, and jitter holds up single packets. Neither does so to every packet of a round
/// trip; a queue that others fill does.
struct UTPRoundLow: Sendable {
    private var before = Int64.max
    private var present = Int64.max
    private var began: UTPInstant?

    /// Microseconds; 0 before the first sample.
    var value: Int64 { began == nil ? 0 : min(before, present) }

    /// `delay`, `roundTrip`: in microseconds.
    mutating func add(_ delay: Int64, roundTrip: Int64, now: UTPInstant) {
        if began.map({ now - $0 >= roundTrip / 2 }) ?? true {
            began = now
            before = present
            present = delay
        }
        present = min(present, delay)
    }
}
