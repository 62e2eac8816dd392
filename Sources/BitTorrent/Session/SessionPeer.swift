// SPDX-License-Identifier: Apache-2.0
public import Wire

/// A connected peer, to be shown.
public struct SessionPeer: Equatable, Sendable {
    /// Where it is; of a peer that dialled us not where it can be dialled.
    public var endpoint: Endpoint
    /// As it names itself; nil where it has not.
    public var client: String?
    /// We have dialled it.
    public var isOutgoing: Bool
    /// Payload bytes received from it and sent to it.
    public var downloaded: Int64
    /// Payload bytes sent to it.
    public var uploaded: Int64
    /// The share of the torrent that it has, 0 to 1.
    public var progress: Double
}

extension TorrentSession {
    /// The peers that are connected, in no order.
    public var peers: [SessionPeer] {
        connections.values.filter(\.isRunning).map { peer in
            let share = peer.pieces.map { Double($0.setCount) / Double(max(1, $0.count)) } ?? 0
            return SessionPeer(
                endpoint: peer.endpoint,
                client: peer.client,
                isOutgoing: peer.isOutgoing,
                downloaded: peer.downloaded,
                uploaded: peer.uploaded,
                progress: peer.hasAll ? 1 : share
            )
        }
    }
}
