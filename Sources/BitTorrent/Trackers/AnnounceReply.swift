// SPDX-License-Identifier: Apache-2.0
public import Wire

/// What a tracker answers to an announce.
public struct AnnounceReply: Equatable, Sendable {
    /// At most ``TrackerSpecification/maximumPeers``, none with port 0. Not judged yet by any address policy.
    public var peers: [Endpoint] = []
    /// When to announce again, within ``TrackerSpecification/intervals``.
    public var interval = TrackerSpecification.usualInterval
    /// Not before this time, whatever happens; no longer than `interval`.
    public var minimumInterval: Duration?
    /// Peers that have everything, as the tracker counts; nil where it does not tell.
    public var seeders: Int?
    /// Peers that still download, as the tracker counts; nil where it does not tell.
    public var leechers: Int?
    /// For people, at most 512 bytes.
    public var warning: String?
    /// To be given back with the next announce.
    public var trackerID: [UInt8]?
    /// How the tracker sees our address (BEP 24).
    public var externalAddress: IPAddress?

    /// No peers, and the usual interval.
    public init() {}

    /// Takes over times as the tracker wrote them, in seconds.
    mutating func setIntervals(_ interval: Int64?, minimum: Int64?) {
        let range = TrackerSpecification.intervals
        func clamp(_ seconds: Int64) -> Duration {
            min(max(.seconds(min(max(seconds, 0), 1 << 32)), range.lowerBound), range.upperBound)
        }
        self.interval = interval.map(clamp) ?? TrackerSpecification.usualInterval
        minimumInterval = minimum.map { min(clamp($0), self.interval) }
    }
}

/// How many take part in a torrent, as a tracker counts (BEP 48).
public struct ScrapeCount: Equatable, Sendable {
    /// Peers that have everything.
    public var seeders: Int
    /// Peers that do not, partial seeds among them.
    public var leechers: Int
    /// How often the download was completed.
    public var completed: Int
    /// Those who still download: `leechers` without partial seeds (BEP 21); nil where the tracker does not tell.
    public var downloaders: Int?

    /// Counts as the tracker gave them, none negative.
    public init(seeders: Int, leechers: Int, completed: Int, downloaders: Int? = nil) {
        self.seeders = seeders
        self.leechers = leechers
        self.completed = completed
        self.downloaders = downloaders
    }
}
