// SPDX-License-Identifier: Apache-2.0
internal import HeapModule

/// What is to be done at which time, soonest first.
struct Agenda<Chore: Sendable>: Sendable {
    private struct Entry: Comparable, Sendable {
        let time: Instant
        let chore: Chore
        static func < (left: Entry, right: Entry) -> Bool { left.time < right.time }
        static func == (left: Entry, right: Entry) -> Bool { left.time == right.time }
    }

    private var entries = Heap<Entry>()

    /// The time of the first chore, and the chore.
    var next: (time: Instant, chore: Chore)? { entries.min.map { ($0.time, $0.chore) } }

    mutating func plan(_ chore: Chore, at time: Instant) { entries.insert(Entry(time: time, chore: chore)) }

    mutating func removeNext() { _ = entries.popMin() }
}
