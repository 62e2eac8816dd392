// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Peers tell each other of peers (BEP 11), and introduce those who cannot be dialled (BEP 55).
///
/// What they say is believed least of all: it is tried when nothing better is known, at most ``PeerBook/maximumPerTeller``
/// addresses of one peer, and it never becomes what the user has given. Private torrents (BEP 27) have none of it.
extension TorrentSession {
    /// Introductions that one peer may ask for, or bring, in ``holepunchPeriod``.
    static let maximumHolepunches = 20
    static let holepunchPeriod = Duration.seconds(60)

    var exchangesPeers: Bool { configuration.exchangesPeers && content?.isPrivate != true }

    // MARK: Telling

    mutating func exchange(_ peer: PeerConnection, _ now: Duration) {
        guard exchangesPeers, let number = peer.extensions.theirs[ExtensionTable.Name.peerExchange],
            peer.exchange.isDue(since: peer.since, now: now)
        else { return }
        let contacts = connections.values.filter { $0.id != peer.id && $0.isRunning }.sorted { $0.id < $1.id }
            .compactMap { contact($0, for: peer) }
        guard let message = peer.exchange.message(contacts, now: now) else { return }
        peer.send(.extended(id: number, payload: message.encoded))
    }

    /// How to reach a connected peer; nil where we do not know, or the other cannot.
    private func contact(_ peer: PeerConnection, for other: PeerConnection) -> PeerExchangeMessage.Contact? {
        guard let endpoint = peer.reachableAt, endpoint.address.isLocal == other.endpoint.address.isLocal,
            endpoint.address.isLoopback == other.endpoint.address.isLoopback
        else { return nil }
        var flags: PeerExchangeMessage.Flags = []
        if peer.prefersEncryption { flags.insert(.prefersEncryption) }
        if peer.isUploadOnly || peer.hasAll { flags.insert(.uploadOnly) }
        if peer.isUTP { flags.insert(.utp) }
        if peer.extensions.theirs[ExtensionTable.Name.holepunch] != nil { flags.insert(.holepunch) }
        if peer.isOutgoing { flags.insert(.reachable) }
        return PeerExchangeMessage.Contact(endpoint, flags)
    }

    // MARK: Being told

    mutating func receiveExchange(
        _ payload: [UInt8],
        id: UInt8,
        from peer: PeerConnection,
        _ now: Duration
    ) throws(PeerWireError) {
        guard exchangesPeers else { return }
        guard peer.exchange.admits(now: now) else {
            if peer.exchange.early > PeerExchange.maximumEarly { close(peer, .flooding, now) }
            return
        }
        let message = try PeerExchangeMessage(parsing: payload, id: id)
        for contact in message.added where mayBelieve(contact.endpoint, from: peer) {
            book.add(contact.endpoint, source: .pex, teller: peer.id, flags: contact.flags, now: now)
        }
        for endpoint in message.dropped { book.dropped(endpoint, by: peer.id) }
        dial(now)
    }

    /// A stranger must not send us to addresses of our own network, nor to what is no peer's: see `AddressPolicy`.
    func mayBelieve(_ endpoint: Endpoint, from peer: PeerConnection) -> Bool {
        AddressPolicy.named(by: peer.endpoint.address).admits(endpoint)
    }

    // MARK: Introductions

    mutating func receiveHolepunch(
        _ payload: [UInt8],
        id: UInt8,
        from peer: PeerConnection,
        _ now: Duration
    ) throws(PeerWireError) {
        guard exchangesPeers, peer.extensions.theirs[ExtensionTable.Name.holepunch] != nil,
            let message = try HolepunchMessage.parse(payload, id: id)
        else { return }
        switch message.kind {
        case .rendezvous where admitsHolepunch(peer, now): introduce(peer, to: message.endpoint)
        case .connect where admitsHolepunch(peer, now): meet(message.endpoint, introducedBy: peer, now)
        case .rendezvous, .connect, .error: break
        }
    }

    private func admitsHolepunch(_ peer: PeerConnection, _ now: Duration) -> Bool {
        if now - peer.holepunchesSince >= Self.holepunchPeriod {
            peer.holepunchesSince = now
            peer.holepunches = 0
        }
        peer.holepunches += 1
        return peer.holepunches <= Self.maximumHolepunches
    }

    /// As the relay.
    private mutating func introduce(_ peer: PeerConnection, to endpoint: Endpoint) {
        func refuse(_ failure: HolepunchMessage.Failure) {
            send(HolepunchMessage(.error, endpoint, failure: failure), to: peer)
        }
        guard endpoint.port != 0, endpoint.address.isUnicast else { return refuse(.noSuchPeer) }
        guard endpoint != peer.reachableAt, endpoint != peer.endpoint else { return refuse(.noSelf) }
        let target = connections.values.first {
            $0.isRunning && $0.id != peer.id && ($0.endpoint == endpoint || $0.reachableAt == endpoint)
        }
        guard let target else { return refuse(.notConnected) }
        guard target.extensions.theirs[ExtensionTable.Name.holepunch] != nil else { return refuse(.noSupport) }
        send(HolepunchMessage(.connect, peer.reachableAt ?? peer.endpoint), to: target)
        send(HolepunchMessage(.connect, endpoint), to: peer)
        touch(target)
    }

    /// As one of the two: dials at once, over uTP, whatever else is being dialled.
    private mutating func meet(_ endpoint: Endpoint, introducedBy peer: PeerConnection, _ now: Duration) {
        guard configuration.usesUTP, !isStopped, mayBelieve(endpoint, from: peer),
            connections.count < configuration.maximumConnections, !book.isBanned(endpoint),
            !connections.values.contains(where: { $0.endpoint == endpoint || $0.reachableAt == endpoint })
        else { return }
        book.add(endpoint, source: .holepunch, teller: peer.id, now: now)
        book.taken(endpoint)
        begin(endpoint, isUTPOnly: true, now)
    }

    /// An address that a peer told us did not answer: that peer may introduce us.
    mutating func askForIntroduction(to endpoint: Endpoint) {
        guard configuration.usesUTP, exchangesPeers, let entry = book.entries[endpoint], entry.failures == 1,
            let teller = entry.teller, let relay = connections[teller], relay.isRunning,
            relay.extensions.theirs[ExtensionTable.Name.holepunch] != nil
        else { return }
        send(HolepunchMessage(.rendezvous, endpoint), to: relay)
        touch(relay)
    }

    private func send(_ message: HolepunchMessage, to peer: PeerConnection) {
        guard let number = peer.extensions.theirs[ExtensionTable.Name.holepunch] else { return }
        peer.send(.extended(id: number, payload: message.encoded))
    }
}
