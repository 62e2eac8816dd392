// SPDX-License-Identifier: Apache-2.0

/// How the delay rises while the window does, to tell a path that was full before we came from one that we fill ourselves.
///
/// On a full path the delay is in proportion to what we have under way, from the first packet on: at half of a delay there
/// is half as much under way. On a free path there is none until the path is full, and then much is under way at both. The
/// shortest round trip cannot tell, for a full queue that never empties looks like a long path.
struct UTPRamp: Sendable {
    /// Of what is under way at a delay, so much at half of it means a full path: a half, and some for noise. On a free path of
    /// 10 ms it is at least two thirds.
    private static let proportion = 0.62

    private var half: Int?

    /// `low`: the least delay of about a round trip, see ``UTPRoundLow``: on a free path the first packets of a run still find no
    /// queue when its last ones wait. `flight`: bytes under way. `limit`: microseconds of delay at which the window stops growing.
    ///
    /// - Returns: nil below the limit, then whether the path was full without us.
    mutating func observe(delay: Int64, low: Int64, flight: Int, limit: Int64) -> Bool? {
        if half == nil, 2 * delay > limit { half = flight }
        guard let half, delay > limit else { return nil }
        return low > limit / 8 && Double(half) <= Self.proportion * Double(flight)
    }
}
