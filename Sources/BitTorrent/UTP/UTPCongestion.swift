// SPDX-License-Identifier: Apache-2.0

/// How many bytes may be under way: LEDBAT, which keeps the delay that it adds to a path below a target, so that everything
/// else goes first (BEP 29 "congestion control", RFC 6817), with the amendments of LEDBAT++
/// (draft-irtf-iccrg-ledbat-plus-plus-01 §4): growth slower than TCP's on short paths, a slow start that ends before the
/// target, and decrease in proportion to the excess.
///
/// Where a queue is too short for the target to be reached, packets get lost at a delay below it. The target then goes to
/// half of that delay, for otherwise LEDBAT would take a share as TCP does.
struct UTPCongestion: Sendable {
    /// Packets at the start (RFC 6928) and at least (RFC 6817 MIN_CWND).
    static let initialPackets = 10
    static let smallestPackets = 2
    /// Growth is divided by at most this (LEDBAT++ §4.2).
    static let largestDivisor = 16
    /// The target is never below, in microseconds: timers and busy machines make as much noise.
    static let smallestTarget: Int64 = 5000
    /// After so many microseconds without a loss a lowered target rises again by half.
    static let targetRise: Int64 = 30_000_000
    static let largestWindow = 64 << 20
    /// A round trip of so many microseconds may be one through a queue that others filled.
    static let shortPath: Int64 = 10_000

    private(set) var isSlowStart = true
    private var threshold = Double.infinity
    private var exact: Double
    private(set) var target = UTPSpecification.targetDelay
    /// The largest delay of late, microseconds: what there was when packets got lost.
    private var recentDelay: Int64 = 0
    private var targetChanged = UTPInstant(microseconds: 0)

    /// `packet`: bytes of payload in an ordinary packet.
    init(packet: Int) {
        exact = Double(Self.initialPackets * packet)
    }

    /// Bytes that may be under way.
    var window: Int { Int(exact) }

    /// `flight`: bytes that were under way before this acknowledgement. `delay`: microseconds in queues, nil where the other
    /// side has not measured. `shortest`: the path's round trip without queues.
    mutating func acknowledged(
        _ bytes: Int,
        flight: Int,
        delay: Int64?,
        shortest: Int64,
        packet: Int,
        now: UTPInstant
    ) {
        guard bytes > 0 else { return }
        let delay = delay ?? 0
        recentDelay = max(delay, recentDelay - recentDelay / 16)
        raiseTarget(now)
        let gain = 1 / Double(Self.divisor(target: target, shortest: shortest))
        // A window that is not filled says nothing about the path (RFC 6817 §2.4.1).
        let isLimited = Double(flight + 2 * packet) >= exact
        let size = Double(packet)
        if isSlowStart {
            if delay > slowStartEnd(shortest) {
                isSlowStart = false
                threshold = exact / 2
            } else if isLimited {
                exact += Double(bytes) * gain
                if exact > threshold { isSlowStart = false }
            }
        } else if delay <= target {
            if isLimited { exact += gain * size * Double(bytes) / exact }
        } else {
            let excess = Double(delay) / Double(target) - 1
            let perRoundTrip = max(gain * size - exact * excess, -exact / 2)
            exact += perRoundTrip * Double(bytes) / exact
        }
        bound(packet)
    }

    /// Packets were lost, for the first time in this round trip.
    mutating func lost(packet: Int, now: UTPInstant) {
        if recentDelay > 2 * Self.smallestTarget, recentDelay < target {
            target = max(recentDelay / 2, Self.smallestTarget)
            targetChanged = now
        }
        exact /= 2
        threshold = exact
        isSlowStart = false
        bound(packet)
    }

    /// Nothing came back for a whole timeout.
    mutating func timedOut(packet: Int) {
        threshold = max(exact / 2, Double(Self.smallestPackets * packet))
        exact = Double(packet)
        isSlowStart = true
    }

    /// The delay at which doubling ends. On a path that was full before we came, all that we add is delay: there it is an
    /// eighth of the target. Where the shortest round trip shows an empty path it is three quarters (LEDBAT++ §4.4).
    private func slowStartEnd(_ shortest: Int64) -> Int64 {
        shortest < Self.shortPath ? target * 3 / 4 : target / 8
    }

    /// How many times slower than one packet a round trip the window grows.
    static func divisor(target: Int64, shortest: Int64) -> Int {
        let shortest = max(1, shortest)
        guard shortest < 2 * target else { return 1 }
        return Int(min(Int64(largestDivisor), (2 * target + shortest - 1) / shortest))
    }

    private mutating func raiseTarget(_ now: UTPInstant) {
        guard target < UTPSpecification.targetDelay, now - targetChanged >= Self.targetRise else { return }
        target = min(target * 3 / 2, UTPSpecification.targetDelay)
        targetChanged = now
    }

    private mutating func bound(_ packet: Int) {
        exact = min(max(exact, Double(Self.smallestPackets * packet)), Double(Self.largestWindow))
    }
}
