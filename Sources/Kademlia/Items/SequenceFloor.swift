// SPDX-License-Identifier: Apache-2.0
public import Wire

/// The highest sequence number seen under each target, kept over restarts: what was newer once is never forgotten for
/// an older answer (rollback protection).
///
/// Memory: at most `capacity` entries of about 40 bytes; the entry that was touched longest ago makes room.
public struct SequenceFloor: Sendable {
    private let capacity: Int
    private var floors: [NodeID: (sequence: Int64, touched: UInt64)] = [:]
    private var clock: UInt64 = 0

    /// `capacity`: targets, of about 40 bytes.
    public init(capacity: Int) {
        self.capacity = capacity
    }

    /// The highest number ever seen there; nil for one never met, or forgotten for want of room.
    public subscript(target: NodeID) -> Int64? { floors[target]?.sequence }

    /// Notes a number; a lower one than known changes nothing.
    public mutating func raise(_ target: NodeID, to sequence: Int64) {
        clock += 1
        if floors[target] == nil, floors.count >= capacity,
            let oldest = floors.min(by: { $0.value.touched < $1.value.touched })?.key
        {
            floors[oldest] = nil
        }
        floors[target] = (max(sequence, floors[target]?.sequence ?? 0), clock)
    }

    /// Oldest first, so that raising them again in this order keeps the order.
    public var all: [(target: NodeID, sequence: Int64)] {
        floors.sorted { $0.value.touched < $1.value.touched }.map { ($0.key, $0.value.sequence) }
    }
}
