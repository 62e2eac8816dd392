// SPDX-License-Identifier: Apache-2.0
internal import DequeModule
internal import Wire

/// Those who sent us blocks and are gone: what they sent may turn out to be bad, and leaving must not save them from the ban.
///
/// Memory: the last ``maximum``, 64 bytes each.
struct DepartedPeers {
    static let maximum = 512

    struct Peer {
        var connection: ConnectionID
        var endpoint: Endpoint
        /// The peer id.
        var id: Digest160?
    }

    private var peers: Deque<Peer> = []

    var count: Int { peers.count }

    mutating func add(_ peer: PeerConnection) {
        if peers.count == Self.maximum { peers.removeFirst() }
        peers.append(Peer(connection: peer.id, endpoint: peer.endpoint, id: peer.peerID))
    }

    /// Who had the connection, once.
    mutating func take(_ connection: ConnectionID) -> Peer? {
        guard let index = peers.firstIndex(where: { $0.connection == connection }) else { return nil }
        return peers.remove(at: index)
    }
}
