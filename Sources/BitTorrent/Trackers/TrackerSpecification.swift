// SPDX-License-Identifier: Apache-2.0

/// What the tracker protocols fix, and the bounds within which we believe trackers.
public enum TrackerSpecification {
    /// The largest reply of a tracker that is read, in bytes: 1,000 peers of the longest form and 74 scraped torrents fit.
    public static let maximumReplyBytes = 1 << 18
    /// Peers taken from one reply.
    public static let maximumPeers = 1000
    /// Bytes of a message for people, of a tracker id, and of an address.
    public static let maximumTextBytes = 512
    /// Torrents in one scrape: as many as fit in a datagram (BEP 15).
    public static let maximumScrape = 74
    /// Peers that we ask for.
    public static let wantedPeers: Int32 = 100
    /// How often a tracker may be asked, whatever it says, and how seldom it is asked at most.
    public static let intervals: ClosedRange<Duration> = .seconds(60) ... .seconds(14_400)
    /// What is assumed where a tracker gives none (BEP 3 leaves it open; half an hour is common).
    public static let usualInterval = Duration.seconds(1800)
    /// BEP 15: the first time-out; each further one is twice as long.
    static let firstTimeout = Duration.seconds(15)
    /// BEP 15: a connection id serves for this long.
    static let connectionLifetime = Duration.seconds(60)
}
