// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent

/// How fast bytes of payload may go, each way.
public struct TransferRates: Equatable, Sendable {
    /// Bytes a second; nil for as fast as it goes. At least 1 KiB.
    public var download: Int?
    /// The same outwards.
    public var upload: Int?

    /// As fast as it goes, unless a rate is given.
    public init(download: Int? = nil, upload: Int? = nil) {
        self.download = download
        self.upload = upload
    }
}

/// The rate limits of a swarm: one for all torrents, one for each class of them, such as those of one network, and one for each
/// torrent. Confined to the swarm's event loop, without timers: sessions ask, and wait by their own wake-up.
///
/// Memory: two buckets for each class that was ever named; classes are named by the program, never by peers.
final class SwarmLimits {
    /// The buckets of both directions.
    struct Pair {
        let download = RateLimit()
        let upload = RateLimit()

        func set(_ rates: TransferRates) {
            download.bytesPerSecond = rates.download
            upload.bytesPerSecond = rates.upload
        }
    }

    let everything = Pair()
    private var classes: [String: Pair] = [:]

    init(_ rates: TransferRates) { everything.set(rates) }

    func ofClass(_ name: String) -> Pair {
        if let pair = classes[name] { return pair }
        let pair = Pair()
        classes[name] = pair
        return pair
    }

    /// What holds for a torrent with these limits of its own.
    func limits(own: Pair, className: String?) -> SessionLimits {
        let pairs = [everything, own] + (className.map { [ofClass($0)] } ?? [])
        return SessionLimits(download: pairs.map(\.download), upload: pairs.map(\.upload))
    }
}
