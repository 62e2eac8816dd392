// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// How many connections to web seeds there may be: a server is somebody's, and not meant to be stormed.
///
/// Bounds: ``perHost`` for one host, ``maximum`` in all.
final class WebSeedPlaces: Sendable {
    static let perHost = 4
    static let maximum = 32

    /// Given back when nobody holds it any more.
    final class Place: Sendable {
        private let places: WebSeedPlaces
        private let host: String

        init(_ places: WebSeedPlaces, _ host: String) {
            self.places = places
            self.host = host
        }

        deinit { places.giveBack(host) }
    }

    private let taken = Mutex<[String: Int]>([:])

    func take(_ host: String) -> Place? {
        let isFree = taken.withLock { taken in
            guard taken[host, default: 0] < Self.perHost, taken.values.reduce(0, +) < Self.maximum else { return false }
            taken[host, default: 0] += 1
            return true
        }
        return isFree ? Place(self, host) : nil
    }

    private func giveBack(_ host: String) {
        taken.withLock { taken in
            let left = (taken[host] ?? 1) - 1
            taken[host] = left > 0 ? left : nil
        }
    }
}
