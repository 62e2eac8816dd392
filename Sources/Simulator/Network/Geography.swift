// SPDX-License-Identifier: Apache-2.0

/// How far hosts are from each other.
///
/// Hosts stand on a map with three crowded regions and open country. One way takes what light and detours take (up to
/// about 110 ms across the map) and the last mile of both ends (1 to 16 ms each, short ones more often). The median
/// round trip of two hosts is about 90 ms and one in ten is above 200 ms, as in measurements between the hosts of
/// Mainline and of the King data set. Whole numbers only.
enum Geography {
    struct Place: Sendable {
        var x: Int32
        var y: Int32
        /// Microseconds.
        var lastMile: Int32
    }

    private static let centres: [(x: Int, y: Int)] = [(9_000, 20_000), (30_000, 22_000), (56_000, 26_000)]

    static func place(using random: inout RandomStream) -> Place {
        let centre = centres[random.below(centres.count)]
        let isOutside = random.below(5) == 0
        // The sum of three even draws crowds round the centre.
        func spread(_ width: Int, using random: inout RandomStream) -> Int {
            (0..<3).reduce(0) { sum, _ in sum + random.below(width) } / 3 * 2 - width
        }
        let x = isOutside ? random.below(65_536) : centre.x + spread(7_000, using: &random)
        let y = isOutside ? random.below(45_000) : centre.y + spread(9_000, using: &random)
        let lastMile = 1_000 + min(random.below(15_000), random.below(15_000))
        return Place(x: Int32(x), y: Int32(y), lastMile: Int32(lastMile))
    }

    /// One way, in nanoseconds: 1.7 µs a step of the map, and both last miles.
    static func delay(_ from: Place, _ to: Place) -> Int64 {
        let (x, y) = (Int64(from.x - to.x), Int64(from.y - to.y))
        let distance = squareRoot(x * x + y * y)
        return distance * 1_700 + Int64(from.lastMile + to.lastMile) * 1_000
    }

    /// The whole part of a square root, without floating-point numbers.
    static func squareRoot(_ value: Int64) -> Int64 {
        guard value > 1 else { return max(value, 0) }
        var guess = Int64(1) << Int64((64 - value.leadingZeroBitCount + 1) / 2)
        while true {
            let better = (guess + value / guess) / 2
            guard better < guess else { return guess }
            guess = better
        }
    }
}
