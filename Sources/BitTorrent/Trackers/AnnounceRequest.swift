// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Why an announce is made (BEP 3, BEP 21).
public enum AnnounceEvent: String, Hashable, Sendable {
    /// Because it is time again.
    case none = ""
    case started
    case completed
    case stopped
    /// Nothing more is wanted though something is missing: each announce of a partial seed (BEP 21).
    case paused

    /// The number in a datagram (BEP 15), which has none for a partial seed.
    var number: UInt32 {
        switch self {
        case .none, .paused: 0
        case .completed: 1
        case .started: 2
        case .stopped: 3
        }
    }
}

/// What a tracker is told of us.
public struct AnnounceRequest: Equatable, Sendable {
    /// SHA-1 of the v1 info dictionary, or the first 20 bytes of the v2 hash.
    public var hash: Digest160
    /// Ours: the same in every handshake of the torrent, so that peers know themselves.
    public var peerID: Digest160
    /// Where we accept connections.
    public var port: UInt16
    /// Payload bytes since the `started` event.
    public var uploaded: Int64 = 0
    /// The same of what came.
    public var downloaded: Int64 = 0
    /// Bytes that are wanted and missing; 1 while it is not known what there is.
    public var left: Int64 = 1
    /// Why now; `none` for the regular one.
    public var event = AnnounceEvent.none
    /// The same for as long as we run: it lets the tracker know us again after our address has changed.
    public var key: UInt32
    /// Peers that are wanted; 0 for none.
    public var wantedPeers = TrackerSpecification.wantedPeers
    /// What the tracker gave last time under `tracker id`.
    public var trackerID: [UInt8]?

    /// Counters and event are set on it.
    public init(hash: Digest160, peerID: Digest160, port: UInt16, key: UInt32) {
        self.hash = hash
        self.peerID = peerID
        self.port = port
        self.key = key
    }
}
