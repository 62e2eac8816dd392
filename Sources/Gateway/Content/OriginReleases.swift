// SPDX-License-Identifier: Apache-2.0
internal import Node

/// Which release each origin shows. A page and its parts must come from one release, so an origin moves only when its
/// reader goes somewhere, never between a page and its stylesheet.
///
/// Holds at most ``capacity`` origins of about 300 bytes; the one unused longest goes first. Each input changes one.
struct OriginReleases: ~Copyable {
    /// How long the release before the last move still answers for what the new one does not have.
    static let grace: Duration = .seconds(60)
    static let capacity = 1024

    private struct Pin {
        var current: ReleaseReference
        var previous: ReleaseReference?
        var movedAt: ContinuousClock.Instant
        var usedAt: ContinuousClock.Instant
    }

    private var pins: [ContentHost: Pin] = [:]

    /// The origin was navigated, and `release` is what it shows from now on.
    mutating func navigated(_ origin: ContentHost, to release: ReleaseReference, now: ContinuousClock.Instant) {
        guard var pin = pins[origin] else {
            makeRoom()
            pins[origin] = Pin(current: release, previous: nil, movedAt: now, usedAt: now)
            return
        }
        pin.usedAt = now
        if pin.current != release {
            pin.previous = pin.current
            pin.current = release
            pin.movedAt = now
        }
        pins[origin] = pin
    }

    /// The release of the origin's last navigation; nil where there was none.
    mutating func release(of origin: ContentHost, now: ContinuousClock.Instant) -> ReleaseReference? {
        pins[origin]?.usedAt = now
        return pins[origin]?.current
    }

    /// The release before that, as long as it may stand in.
    func previous(of origin: ContentHost, now: ContinuousClock.Instant) -> ReleaseReference? {
        guard let pin = pins[origin], now < pin.movedAt.advanced(by: Self.grace) else { return nil }
        return pin.previous
    }

    private mutating func makeRoom() {
        guard pins.count >= Self.capacity, let oldest = pins.min(by: { $0.value.usedAt < $1.value.usedAt }) else {
            return
        }
        pins[oldest.key] = nil
    }
}
