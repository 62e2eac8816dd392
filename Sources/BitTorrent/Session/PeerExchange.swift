// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Peer exchange with one peer (BEP 11), both directions: at most one message a minute, of at most 50 added and 50 dropped.
///
/// Memory: the contacts that the peer has been told, at most ``maximumTold``.
struct PeerExchange {
    static let interval = Duration.seconds(60)
    /// A connection lives this long before it is told anything, so that there is something to tell.
    static let delay = Duration.seconds(1)
    static let maximumTold = 200
    /// Messages that come sooner are not read, but for the first two; who sends so many of them is dropped.
    static let leastInterval = Duration.seconds(40)
    static let maximumEarly = 8

    private var told: Set<Endpoint> = []
    private var lastSent: Duration?
    private var lastReceived: Duration?
    private var received = 0
    private(set) var early = 0

    /// Whether it is time for a message.
    func isDue(since: Duration, now: Duration) -> Bool {
        guard let lastSent else { return now - since >= Self.delay }
        return now - lastSent >= Self.interval
    }

    /// What has changed since the last message; nil where nothing has.
    mutating func message(
        _ current: [PeerExchangeMessage.Contact],
        now: Duration
    ) -> PeerExchangeMessage? {
        let present = Set(current.map(\.endpoint))
        let dropped = told.subtracting(present)
            .sorted { $0.compact.lexicographicallyPrecedes($1.compact) }
            .prefix(PeerExchangeMessage.maximumContacts)
        let room = max(0, Self.maximumTold - told.count + dropped.count)
        let added = current.filter { !told.contains($0.endpoint) }
            .prefix(min(room, PeerExchangeMessage.maximumContacts))
        guard !added.isEmpty || !dropped.isEmpty else { return nil }
        told.subtract(dropped)
        for contact in added { told.insert(contact.endpoint) }
        lastSent = now
        return PeerExchangeMessage(added: Array(added), dropped: Array(dropped))
    }

    /// Whether a message that has come is to be read.
    mutating func admits(now: Duration) -> Bool {
        received += 1
        if received > 2, let lastReceived, now - lastReceived < Self.leastInterval {
            early += 1
            return false
        }
        lastReceived = now
        return true
    }
}
