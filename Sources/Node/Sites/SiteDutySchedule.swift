// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Wire

/// One thing that is said again and again for one site.
struct SiteDutyKey: Hashable, Sendable {
    var site: Digest256
    var duty: SiteDuty
}

/// The duties of all sites with their times.
///
/// Memory: some 150 bytes a duty.
struct SiteDutySchedule: Sendable {
    typealias Pace = RepeatSchedule<SiteDutyKey>.Configuration

    private var schedule: RepeatSchedule<SiteDutyKey>
    private var current: [Digest256: Set<SiteDuty>] = [:]
    private var random = SystemRandomNumberGenerator()

    init(pace: Pace = Pace()) {
        schedule = RepeatSchedule(pace)
    }

    /// Replaces what is said of one site. `changed` is said at once also where it was said before.
    ///
    /// - Returns: what is to be said no more.
    mutating func set(
        _ duties: Set<SiteDuty>,
        of site: Digest256,
        changed: Set<SiteDuty>,
        now: ContinuousClock.Instant
    ) -> Set<SiteDuty> {
        let old = current[site] ?? []
        for duty in old.subtracting(duties) { schedule.remove(SiteDutyKey(site: site, duty: duty)) }
        for duty in duties.subtracting(old).union(changed.intersection(duties)) {
            schedule.add(SiteDutyKey(site: site, duty: duty), now: now)
        }
        current[site] = duties.isEmpty ? nil : duties
        return old.subtracting(duties)
    }

    mutating func due(now: ContinuousClock.Instant) -> [SiteDutyKey] { schedule.due(now: now) }

    mutating func finished(_ key: SiteDutyKey, succeeded: Bool, now: ContinuousClock.Instant) {
        schedule.finished(key, succeeded: succeeded, now: now, using: &random)
    }

    mutating func networkGrew(now: ContinuousClock.Instant) { schedule.networkGrew(now: now) }

    /// Sites of which something is announced.
    var announced: Set<Digest256> {
        Set(current.filter { $0.value.contains { if case .announce = $0 { true } else { false } } }.keys)
    }

    /// Whether another site still wants this said.
    func isWanted(_ duty: SiteDuty) -> Bool { current.values.contains { $0.contains(duty) } }
}
