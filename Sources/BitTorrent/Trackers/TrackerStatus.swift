// SPDX-License-Identifier: Apache-2.0
public import Wire

/// What is known of one tracker of a torrent, to be shown.
public struct TrackerStatus: Equatable, Sendable {
    public enum State: String, Sendable {
        /// Not asked yet: another one of its tier works, or it is not its turn.
        case idle
        case asking
        case working
        case failed
    }

    public var url: ServiceURL
    /// 0 is tried first.
    public var tier: Int
    public var state = State.idle
    public var seeders: Int?
    public var leechers: Int?
    /// Peers in its last reply.
    public var peers: Int?
    /// What it said last, a warning or why not, at most 512 bytes; written by a stranger.
    public var message: String?
    public var error: TrackerError?

    init(url: ServiceURL, tier: Int) {
        self.url = url
        self.tier = tier
    }
}
