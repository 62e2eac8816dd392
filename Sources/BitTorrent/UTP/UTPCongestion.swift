// SPDX-License-Identifier: Apache-2.0

/// How many bytes may be under way: LEDBAT++, which keeps the delay that it adds to a path below a target, so that everything
/// else goes first (BEP 29 "congestion control", RFC 6817, draft-irtf-iccrg-ledbat-plus-plus §4). Growth is slower than
/// TCP's on short paths, decrease in proportion to the excess, and every now and then the window goes to two packets, so
/// that the path is seen without what we add.
///
///     slowStart ──delay, window──▶ steady ──when due──▶ slowdown ──two round trips──▶ slowStart, to the former window
///
/// Ours, decision 0017: the target follows the path, half of its shortest round trip where that is below the ceiling. On a
/// path that was full before we came it is an eighth of the longest. Where a queue is too short for the target, packets get lost
/// at a delay about it or below, which lasted for a round trip; the ceiling then goes to half of that delay, for otherwise LEDBAT
/// would take a share as TCP does. Loss that has nothing to do with queues comes at any delay, mostly a small one.
struct UTPCongestion: Sendable {
    /// Packets at the start (RFC 6928) and at least (RFC 6817 MIN_CWND).
    static let initialPackets = 10
    static let smallestPackets = 2
    /// Growth is divided by at most this (LEDBAT++ §4.2).
    static let largestDivisor = 16
    /// Of a short path the target is not below, in microseconds: timers and busy machines make as much noise.
    static let smallestTarget: Int64 = 5000
    /// The ceiling is never below this: a queue of 20 ms that CUBIC keeps full moves by 6 ms, and we need to see it move.
    static let smallestCeiling: Int64 = 2000
    /// After so many microseconds without a loss a lowered ceiling rises again by half.
    static let ceilingRise: Int64 = 30_000_000
    static let largestWindow = 64 << 20
    /// A round trip of so many microseconds may be one through a queue that others filled.
    static let shortPath: Int64 = 10_000
    /// A slowdown begins so many times its duration after the last one (LEDBAT++ §4.4): a tenth of the time at most.
    static let slowdownRest: Int64 = 9
    /// And never sooner, in microseconds: what fills a path does so for longer.
    static let shortestRest: Int64 = 10_000_000

    private enum Phase: Equatable {
        case slowStart
        case steady
        /// Two packets a round trip, until then.
        case slowdown(until: UTPInstant)
    }

    private var phase = Phase.slowStart
    private var threshold = Double.infinity
    private var exact: Double
    private var ramp = UTPRamp()
    /// The shortest round trip at the time when the path turned out to be full without us; nil where it did not.
    private var fullAt: Int64?
    /// The most that the target may be.
    private var ceiling = UTPSpecification.targetDelay
    private var ceilingChanged = UTPInstant(microseconds: 0)
    /// Microseconds of delay at which growth ends.
    private(set) var target = UTPSpecification.targetDelay
    /// The least delay of late: what there was when packets got lost.
    private var low = UTPRoundLow()
    private var slowdownBegan: UTPInstant?
    private var nextSlowdown: UTPInstant?

    /// `packet`: bytes of payload in an ordinary packet.
    init(packet: Int) {
        exact = Double(Self.initialPackets * packet)
    }

    /// Bytes that may be under way.
    var window: Int { Int(exact) }
    var isSlowStart: Bool { phase == .slowStart }

    /// `flight`: bytes that were under way before this acknowledgement. `delay`: microseconds in queues, nil where the other
    /// side has not measured. `shortest`, `roundTrip`: the path's round trip without queues, and of late.
    mutating func acknowledged(
        _ bytes: Int,
        flight: Int,
        delay: Int64?,
        shortest: Int64,
        roundTrip: Int64,
        packet: Int,
        now: UTPInstant
    ) {
        guard bytes > 0 else { return }
        let delay = delay ?? 0
        low.add(delay, roundTrip: roundTrip, now: now)
        raiseCeiling(now)
        noticeEmptied(shortest)
        target = targetDelay(shortest)
        // A window that is not filled says nothing about the path (RFC 6817 §2.4.1).
        let isLimited = Double(flight + 2 * packet) >= exact
        let gain = 1 / Double(Self.divisor(target: target, shortest: shortest))
        switch phase {
        case .slowStart: climb(bytes, flight, isLimited, delay, shortest, roundTrip, gain, now)
        case .steady:
            adapt(bytes, isLimited, delay, gain * Double(packet))
            if isLimited { slowDownIfDue(packet, roundTrip, now) }
        case .slowdown(let end): if end <= now { startClimb() }
        }
        bound(packet)
    }

    /// Packets were lost, for the first time in this round trip. `shortest`: the path's round trip without queues.
    mutating func lost(packet: Int, shortest: Int64, now: UTPInstant) {
        if shortest >= Self.shortPath, low.value > 2 * Self.smallestCeiling, low.value < target + target / 4 {
            ceiling = max(low.value / 2, Self.smallestCeiling)
            ceilingChanged = now
        }
        if case .slowdown = phase {
            threshold = max(threshold / 2, exact)
            return
        }
        exact /= 2
        threshold = exact
        if isSlowStart { phase = .steady }
        bound(packet)
    }

    /// Nothing came back for a whole timeout.
    mutating func timedOut(packet: Int) {
        threshold = max(exact / 2, Double(Self.smallestPackets * packet))
        exact = Double(packet)
        startClimb()
    }

    /// How many times slower than one packet a round trip the window grows.
    static func divisor(target: Int64, shortest: Int64) -> Int {
        let shortest = max(1, shortest)
        guard shortest < 2 * target else { return 1 }
        return Int(min(Int64(largestDivisor), (2 * target + shortest - 1) / shortest))
    }

    // MARK: Growing

    private mutating func climb(
        _ bytes: Int,
        _ flight: Int,
        _ isLimited: Bool,
        _ delay: Int64,
        _ shortest: Int64,
        _ roundTrip: Int64,
        _ gain: Double,
        _ now: UTPInstant
    ) {
        if let wasFull = ramp.observe(delay: delay, low: low.value, flight: flight, limit: climbEnd(shortest)) {
            if wasFull, shortest >= Self.shortPath { fullAt = shortest }
            threshold = exact / 2
            settle(roundTrip, now)
        } else if isLimited {
            exact += Double(bytes) * gain
            if exact > threshold { settle(roundTrip, now) }
        }
    }

    private mutating func adapt(_ bytes: Int, _ isLimited: Bool, _ delay: Int64, _ growth: Double) {
        let share = Double(bytes) / exact
        if delay > target {
            let excess = Double(delay) / Double(target) - 1
            exact += max(growth - exact * excess, -exact / 2) * share
        } else if isLimited {
            exact += growth * share
        }
    }

    private mutating func startClimb() {
        phase = .slowStart
        ramp = UTPRamp()
    }

    /// The window has its size. The first slowdown comes two round trips later, others after a multiple of their duration.
    private mutating func settle(_ roundTrip: Int64, _ now: UTPInstant) {
        phase = .steady
        guard nextSlowdown != nil else {
            nextSlowdown = now + 2 * roundTrip
            return
        }
        // A window that found its size without a slowdown, after a timeout, leaves the next one where it is.
        guard let slowdownBegan else { return }
        nextSlowdown = now + max(Self.shortestRest, Self.slowdownRest * (now - slowdownBegan))
        self.slowdownBegan = nil
    }

    // MARK: Slowdowns

    private mutating func slowDownIfDue(_ packet: Int, _ roundTrip: Int64, _ now: UTPInstant) {
        guard let nextSlowdown, nextSlowdown <= now else { return }
        slowdownBegan = now
        threshold = exact
        exact = Double(Self.smallestPackets * packet)
        phase = .slowdown(until: now + 2 * roundTrip)
    }

    // MARK: Target

    private func targetDelay(_ shortest: Int64) -> Int64 {
        let path = fullAt == nil ? max(shortest / 2, Self.smallestTarget) : UTPSpecification.targetDelay / 8
        return min(path, ceiling)
    }

    /// The delay at which doubling ends: three quarters of the target (LEDBAT++ §4.3), less where it is large, since all that
    /// we add to a full path is delay.
    private func climbEnd(_ shortest: Int64) -> Int64 {
        shortest < Self.shortPath ? target * 3 / 4 : min(target * 3 / 4, max(target / 4, Self.smallestTarget))
    }

    /// What filled the path has gone.
    private mutating func noticeEmptied(_ shortest: Int64) {
        guard let before = fullAt, shortest < before - before / 8 else { return }
        fullAt = nil
        threshold = .infinity
        startClimb()
    }

    private mutating func raiseCeiling(_ now: UTPInstant) {
        guard ceiling < UTPSpecification.targetDelay, now - ceilingChanged >= Self.ceilingRise else { return }
        ceiling = min(ceiling * 3 / 2, UTPSpecification.targetDelay)
        ceilingChanged = now
    }

    private mutating func bound(_ packet: Int) {
        exact = min(max(exact, Double(Self.smallestPackets * packet)), Double(Self.largestWindow))
    }
}
