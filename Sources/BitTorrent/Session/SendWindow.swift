// SPDX-License-Identifier: Apache-2.0

/// How many bytes are given to the network for one peer ahead of what it has taken: enough to write in large runs, and no more
/// than it takes in about half a second, since what was handed over cannot be taken back by a cancel or a choke.
///
/// Doubles while the network takes two windows within a quarter of a second; at the end of each quarter it becomes twice what
/// was taken in it.
struct SendWindow: Sendable {
    static let smallest = 1 << 16
    static let largest = 1 << 20
    static let interval = Duration.milliseconds(250)

    private(set) var bytes = 1 << 17
    private var start = Duration.zero
    private var taken = 0

    mutating func sent(_ count: Int, now: Duration) {
        if now - start >= Self.interval {
            // After a pause nothing is known: what was learnt before is kept.
            if now - start < Self.interval * 8 { bytes = min(max(2 * taken, Self.smallest), Self.largest) }
            start = now
            taken = 0
        }
        taken += count
        guard taken >= 2 * bytes, bytes < Self.largest else { return }
        bytes *= 2
        start = now
        taken = 0
    }
}
