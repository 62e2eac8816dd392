// SPDX-License-Identifier: Apache-2.0
internal import Kademlia
internal import Keys
internal import Wire

/// What sites need of the DHT.
///
/// Items are put once a call: ``SiteService`` repeats what must be said again. Cancelling a caller ends what was started
/// for it.
protocol SiteNetwork: PeerFinding {
    /// Waits, for at most `time`, until there is anybody to ask; not at all where nobody is to be expected.
    func entered(within time: Duration) async
    /// Asks for the newest item under a key; nil where no node has one that is not older than what was seen before.
    func readItem(key: PublicKey, salt: [UInt8]) async -> MutableItem?
    /// Puts a signed item exactly as it is.
    func putOnce(_ item: MutableItem) async -> SitePutReport
    /// Says that this node has what the hash stands for, at the port where it listens for peers.
    ///
    /// `isSeed`: the hash is a torrent's, of which all is here.
    /// - Returns: whether any other node took it.
    func announceHolding(_ hash: Digest160, isSeed: Bool) async -> Bool
    /// Says so no more.
    func endAnnouncing(_ hash: Digest160) async
    /// Yields when the network can be reached again, or has grown from next to nothing. Bounded; ends with the network.
    func growthEvents() -> AsyncStream<Void>
}

extension SiteNetwork {
    func entered(within time: Duration) async {}

    func announceHolding(_ hash: Digest160) async -> Bool { await announceHolding(hash, isSeed: false) }
}

/// What became of a put.
struct SitePutReport: Sendable {
    /// Other nodes that took it.
    var stored: Int
    /// A newer item, or another of the same number, that was found in its place.
    var newer: MutableItem?
}
