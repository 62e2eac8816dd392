// SPDX-License-Identifier: Apache-2.0

/// Times measured in a run, for their median and 95th percentile.
struct Sample {
    private var times: [Int64] = []

    var count: Int { times.count }

    mutating func add(_ time: Duration) { times.append(time.inNanoseconds) }
    mutating func add(_ other: Sample) { times += other.times }

    /// The value that so many of a hundred are not above, in whole milliseconds.
    func milliseconds(percentile: Int) -> Int64 {
        guard !times.isEmpty else { return 0 }
        let sorted = times.sorted()
        return sorted[min(sorted.count - 1, sorted.count * percentile / 100)] / 1_000_000
    }
}

/// Good ones of all.
struct Share {
    private(set) var good: Int
    private(set) var all: Int

    init(good: Int = 0, all: Int = 0) {
        self.good = good
        self.all = all
    }

    mutating func add(_ isGood: Bool) {
        all += 1
        if isGood { good += 1 }
    }

    mutating func add(_ other: Share) {
        good += other.good
        all += other.all
    }

    /// Hundredths of a per cent, rounded down.
    var basisPoints: Int { all == 0 ? 0 : good * 10_000 / all }
    /// `good/all (99.12 %)`.
    var text: String {
        let hundredths = String(basisPoints % 100)
        return "\(good)/\(all) (\(basisPoints / 100)." + (hundredths.count == 1 ? "0" : "") + hundredths + " %)"
    }
}
