// SPDX-License-Identifier: Apache-2.0
public import Wire

/// What is known of one tracker of a torrent, to be shown.
public struct TrackerStatus: Equatable, Sendable {
    /// Where the tracker stands among those of its torrent.
    public enum State: String, Sendable {
        /// Not asked yet: another one of its tier works, or it is not its turn.
        case idle
        case asking
        case working
        case failed
    }

    /// As the torrent names it.
    public var url: ServiceURL
    /// 0 is tried first.
    public var tier: Int
    /// How it went when it was asked last; a hybrid asks twice, and the later answer counts.
    public var state = State.idle
    /// As it said last; nil before it did.
    public var seeders: Int?
    /// As it said last; nil before it did.
    public var leechers: Int?
    /// Peers in its last reply.
    public var peers: Int?
    /// What it said last, a warning or why not, at most 512 bytes; written by a stranger.
    public var message: String?
    /// Why it was given up last; nil once it answers.
    public var error: TrackerError?

    init(url: ServiceURL, tier: Int) {
        self.url = url
        self.tier = tier
    }
}
