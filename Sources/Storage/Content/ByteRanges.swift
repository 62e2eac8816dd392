// SPDX-License-Identifier: Apache-2.0

/// A set of byte positions as ranges: ascending, none empty, none touching the next.
///
/// Memory: 16 bytes a gap. Pieces are added in any order, so the worst case is one range for every second piece.
public struct ByteRanges: Equatable, Sendable {
    /// The set itself: for resume records, and to be walked.
    public private(set) var ranges: [Range<Int64>] = []

    /// The empty set.
    public init() {}

    /// All positions of `range`; an empty one makes the empty set.
    public init(_ range: Range<Int64>) {
        insert(range)
    }

    /// No position is in the set.
    public var isEmpty: Bool { ranges.isEmpty }
    /// How many bytes are in the set.
    public var byteCount: Int64 { ranges.reduce(0) { $0 + Int64($1.count) } }

    /// Adds positions, some of which may be there already; ranges that now touch become one.
    public mutating func insert(_ range: Range<Int64>) {
        guard !range.isEmpty else { return }
        // All that overlap or touch the new range become one with it.
        let first = firstIndex { $0.upperBound >= range.lowerBound }
        let end = firstIndex { $0.lowerBound > range.upperBound }
        var merged = range
        if first < end {
            let lower = Swift.min(range.lowerBound, ranges[first].lowerBound)
            merged = lower..<Swift.max(range.upperBound, ranges[end - 1].upperBound)
        }
        ranges.replaceSubrange(first..<end, with: CollectionOfOne(merged))
    }

    /// Takes positions out, some of which may not be there; a range may fall in two.
    public mutating func remove(_ range: Range<Int64>) {
        guard !range.isEmpty else { return }
        let first = firstIndex { $0.upperBound > range.lowerBound }
        let end = firstIndex { $0.lowerBound >= range.upperBound }
        guard first < end else { return }
        let left = ranges[first].lowerBound..<Swift.max(ranges[first].lowerBound, range.lowerBound)
        let right = Swift.min(ranges[end - 1].upperBound, range.upperBound)..<ranges[end - 1].upperBound
        ranges.replaceSubrange(first..<end, with: [left, right].filter { !$0.isEmpty })
    }

    /// Whether every byte of `range` is in the set.
    public func contains(_ range: Range<Int64>) -> Bool {
        guard !range.isEmpty else { return true }
        let index = firstIndex { $0.upperBound > range.lowerBound }
        guard index < ranges.count else { return false }
        return ranges[index].lowerBound <= range.lowerBound && ranges[index].upperBound >= range.upperBound
    }

    /// The first range that satisfies a test which, once true, stays true for all later ranges.
    private func firstIndex(where test: (Range<Int64>) -> Bool) -> Int {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if test(ranges[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
