// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Where peers of a torrent are found: the DHT of a network.
protocol PeerFinding: Sendable {
    /// One search: batches of peers as they are found, none of them twice. The stream is bounded and ends with the search.
    func peers(for hash: Digest160) -> AsyncStream<[Endpoint]>
    /// The port of our node of Mainline's DHT, which peers are told (BEP 5); nil where we are in another network or in none.
    var dhtPort: UInt16? { get }
    /// A peer says that its node of Mainline's DHT is there. Any number of times.
    func meet(_ node: Endpoint)
}

extension PeerFinding {
    var dhtPort: UInt16? { nil }

    func meet(_ node: Endpoint) {}
}
