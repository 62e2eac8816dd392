// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Simulator

@Suite struct EventQueueTests {
    @Test("events come by time, and in the order of their planning where times are equal")
    func order() {
        var queue = EventQueue<Int>()
        var random = RandomStream(seed: 1, "test")
        var expected: [(time: Int64, number: Int)] = []
        for number in 0..<2000 {
            let time = Int64(random.below(50))
            queue.plan(number, at: VirtualTime(nanoseconds: time))
            expected.append((time, number))
        }
        expected.sort { ($0.time, $0.number) < ($1.time, $1.number) }
        var seen: [Int] = []
        while let next = queue.next() { seen.append(next.event) }
        #expect(seen == expected.map { $0.number })
    }

    @Test("a stream depends on seed, name and number, and on nothing else")
    func streams() {
        var first = RandomStream(seed: 7, "a", 1)
        var same = RandomStream(seed: 7, "a", 1)
        var other = RandomStream(seed: 7, "a", 2)
        let value = first.next()
        #expect(value == same.next())
        #expect(value != other.next())
        // What makes traces equal on every machine.
        #expect(value == 16_583_797_735_687_024_363)
    }

    @Test("the square root of the map is the whole part of the root")
    func squareRoot() {
        for value: Int64 in [0, 1, 2, 3, 4, 8, 9, 15, 16, 17, 99, 100, 65_536 * 65_536, 6_000_000_000] {
            let root = Geography.squareRoot(value)
            #expect(root * root <= value && (root + 1) * (root + 1) > value)
        }
    }
}
