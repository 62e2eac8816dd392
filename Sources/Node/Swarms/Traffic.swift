// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Swarm

/// What a torrent has brought since it was opened, in bytes.
struct Traffic: Equatable, Sendable {
    /// Payload.
    var downloaded: Int64 = 0
    /// All that peers sent: payload, messages, hashes, handshakes.
    var received: Int64 = 0
}

extension Torrent {
    /// Nothing where the torrent has been stopped.
    func traffic() async -> Traffic {
        guard let status = await status() else { return Traffic() }
        return Traffic(downloaded: status.downloaded, received: status.received)
    }
}
