// SPDX-License-Identifier: Apache-2.0

/// What happens when: events by time, and in the order of their planning where the times are equal.
///
/// A heap of four children a node over 24-byte entries; the events themselves do not move.
struct EventQueue<Event> {
    private var heap: [EventPlace] = []
    private var events: [Event?] = []
    private var free: [Int] = []
    private var planned: UInt64 = 0

    var count: Int { heap.count }
    var nextTime: VirtualTime? { heap.first.map { VirtualTime(nanoseconds: $0.time) } }

    mutating func plan(_ event: Event, at time: VirtualTime) {
        let slot: Int
        if let reused = free.popLast() {
            slot = reused
            events[slot] = event
        } else {
            slot = events.count
            events.append(event)
        }
        heap.append(EventPlace(time: time.nanoseconds, order: planned, slot: slot))
        planned += 1
        rise(heap.count - 1)
    }

    mutating func next() -> (time: VirtualTime, event: Event)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        let event = events[first.slot].take()
        free.append(first.slot)
        return event.map { (VirtualTime(nanoseconds: first.time), $0) }
    }

    private mutating func rise(_ start: Int) {
        var index = start
        let entry = heap[index]
        while index > 0 {
            let parent = (index - 1) / 4
            guard entry.precedes(heap[parent]) else { break }
            heap[index] = heap[parent]
            index = parent
        }
        heap[index] = entry
    }

    private mutating func sink() {
        var index = 0
        let entry = heap[0]
        while true {
            let first = index * 4 + 1
            guard first < heap.count else { break }
            var least = first
            var child = first + 1
            while child < min(first + 4, heap.count) {
                if heap[child].precedes(heap[least]) { least = child }
                child += 1
            }
            guard heap[least].precedes(entry) else { break }
            heap[index] = heap[least]
            index = least
        }
        heap[index] = entry
    }
}

/// When an event happens, and where it lies. Not inside the generic type: debug builds would look its metadata up each time.
private struct EventPlace {
    var time: Int64
    var order: UInt64
    var slot: Int

    func precedes(_ other: EventPlace) -> Bool {
        time != other.time ? time < other.time : order < other.order
    }
}
