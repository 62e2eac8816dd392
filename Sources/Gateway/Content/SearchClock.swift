// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Since when each site has been looked for without an answer, so that a page that reloads itself ends with "not found
/// in time" instead of turning for ever.
///
/// Holds at most ``capacity`` sites of about 60 bytes. One answer an input.
struct SearchClock: ~Copyable {
    enum Outcome: Equatable, Sendable {
        case stillLooking
        case gaveUp
    }

    static let capacity = 1024
    /// Nobody asked for this long: the next one starts a new search.
    static let forgetting: Duration = .seconds(30)

    private var searches: [Digest256: (began: ContinuousClock.Instant, last: ContinuousClock.Instant)] = [:]

    /// A call for `site` ended without an answer. `began` is when that call started.
    mutating func missed(
        _ site: Digest256,
        began: ContinuousClock.Instant,
        now: ContinuousClock.Instant,
        patience: Duration
    ) -> Outcome {
        var search = searches[site] ?? (began, now)
        if search.last.advanced(by: Self.forgetting) < began { search.began = began }
        search.last = now
        // A little less than all of it: the sleep that ended the call may have been rounded down.
        guard search.began.advanced(by: patience * 0.98) > now else {
            searches[site] = nil
            return .gaveUp
        }
        if searches[site] == nil, searches.count >= Self.capacity,
            let oldest = searches.min(by: { $0.value.last < $1.value.last })
        {
            searches[oldest.key] = nil
        }
        searches[site] = search
        return .stillLooking
    }

    /// The site answered.
    mutating func found(_ site: Digest256) { searches[site] = nil }
}
