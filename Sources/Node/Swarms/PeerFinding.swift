// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Where peers of a torrent are found: the DHT of a network.
protocol PeerFinding: Sendable {
    /// One search: batches of peers as they are found, none of them twice. The stream is bounded and ends with the search.
    func peers(for hash: Digest160) -> AsyncStream<[Endpoint]>
}
