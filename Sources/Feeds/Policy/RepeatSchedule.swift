// SPDX-License-Identifier: Apache-2.0

/// When what others forget must be said again: announces and items of the DHT, which live for two hours or less.
///
/// Everything added is due at once, then about every hour; what failed is tried again sooner, more slowly each time.
/// Memory: the keys.
public struct RepeatSchedule<Key: Hashable & Sendable>: Sendable {
    /// Only differences count, so any clock that does not jump will do.
    public typealias Instant = ContinuousClock.Instant

    /// How often, how spread and how many at once.
    public struct Configuration: Sendable {
        /// How often a thing that went well is said again. BEP 44 nodes keep an item for two hours: an hour leaves
        /// room for one failure.
        public var interval = Duration.seconds(3600)
        /// Up to how much earlier, so that many things added together spread out.
        public var spread = Duration.seconds(600)
        /// How soon after a first failure; doubled with each more, up to ``interval``.
        public var retry = Duration.seconds(30)
        /// How many at the same time.
        public var inFlight = 8

        /// For what the DHT keeps two hours.
        public init() {}
    }

    private struct Entry: Sendable {
        var due: Instant
        var failures = 0
        /// Not tried yet with its present value: nobody may know it, while repeats only keep something alive.
        var isNew = true
        var isInFlight = false
        /// Asked for again while it was in flight.
        var isStale = false
    }

    private let configuration: Configuration
    private var entries: [Key: Entry] = [:]
    private var inFlight = 0

    /// Nothing to repeat so far.
    public init(_ configuration: Configuration = Configuration()) {
        self.configuration = configuration
    }

    /// When ``due(now:)`` will have something; nil while nothing waits.
    public var nextDue: Instant? {
        guard inFlight < configuration.inFlight else { return nil }
        return entries.values.lazy.filter { !$0.isInFlight }.map(\.due).min()
    }

    /// Has `key` said at once, and from now on; also when it was there already, for its value has changed.
    public mutating func add(_ key: Key, now: Instant) {
        guard var entry = entries[key] else {
            entries[key] = Entry(due: now)
            return
        }
        entry.due = now
        entry.failures = 0
        entry.isNew = true
        entry.isStale = entry.isInFlight
        entries[key] = entry
    }

    /// Says `key` no more. What is under way may still end with ``finished(_:succeeded:now:using:)``.
    public mutating func remove(_ key: Key) {
        if entries.removeValue(forKey: key)?.isInFlight == true { inFlight -= 1 }
    }

    /// The network can be reached again, or has grown from next to nothing: all is said again at once.
    public mutating func networkGrew(now: Instant) {
        for (key, entry) in entries {
            add(key, now: now)
            entries[key]?.isNew = entry.isNew
        }
    }

    /// What must be said now: what is new before what is repeated, then the longest overdue first. Each is under way until it is ``finished(_:succeeded:now:using:)``.
    public mutating func due(now: Instant) -> [Key] {
        let waiting = entries.filter { !$0.value.isInFlight && $0.value.due <= now }
        let chosen = waiting.sorted { Self.precedes($0.value, $1.value) }.prefix(configuration.inFlight - inFlight)
        for (key, _) in chosen { entries[key]?.isInFlight = true }
        inFlight += chosen.count
        return chosen.map(\.key)
    }

    private static func precedes(_ a: Entry, _ b: Entry) -> Bool { a.isNew == b.isNew ? a.due < b.due : a.isNew }

    /// How it went. `generator` gives the jitter.
    public mutating func finished(
        _ key: Key,
        succeeded: Bool,
        now: Instant,
        using generator: inout some RandomNumberGenerator
    ) {
        guard var entry = entries[key], entry.isInFlight else { return }
        inFlight -= 1
        entry.isInFlight = false
        let wasStale = entry.isStale
        entry.isStale = false
        if !wasStale {
            entry.isNew = false
            entry.failures = succeeded ? 0 : min(entry.failures + 1, 16)
            entry.due = now + pause(after: entry.failures, using: &generator)
        }
        entries[key] = entry
    }

    private func pause(after failures: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        guard failures > 0 else {
            return configuration.interval - configuration.spread * Double.random(in: 0...1, using: &generator)
        }
        let pause = min(configuration.interval, configuration.retry * (1 << (failures - 1)))
        return pause * Double.random(in: 0.8...1, using: &generator)
    }
}
