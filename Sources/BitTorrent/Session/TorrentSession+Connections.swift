// SPDX-License-Identifier: Apache-2.0
public import Wire

extension TorrentSession {
    // MARK: Commands

    /// Peers to try, dialled at once as far as the limits allow.
    ///
    /// `source`: where the addresses come from; those of the user are tried again for as long as the session lasts.
    /// `isAlive`: they have just answered elsewhere, and are tried soon even if they failed before.
    /// `holdAll`: they have just said so elsewhere, and speak as we do: they are asked with the handshake already.
    public mutating func add(
        peers: [Endpoint],
        source: PeerSource = .dht,
        isAlive: Bool = false,
        holdAll: Bool = false,
        now: Duration
    ) -> [SessionAction] {
        if content?.isPrivate == true, !source.isForPrivateTorrents { return [] }
        for endpoint in peers {
            book.add(endpoint, source: source, isAlive: isAlive, now: now)
            if holdAll { book.expectAll(of: endpoint) }
        }
        dial(now)
        return finish(now)
    }

    /// Closes every connection and does nothing any more.
    public mutating func stop(now: Duration) -> [SessionAction] {
        isStopped = true
        for peer in Array(connections.values) { close(peer, .stopped, now) }
        for id in Array(webSeeds.keys) { dropWebSeed(id, .stopped, now) }
        return finish(now)
    }

    mutating func dial(_ now: Duration) {
        guard !isStopped else { return }
        while mayDial, let endpoint = book.takeDue(now: now, wantsSeeds: !isUploadOnly, wantsNothing: isComplete) {
            begin(endpoint, now)
        }
    }

    /// Whether one more peer is wanted and fits. A complete session waits to be dialled, but for peers that the user named.
    var mayDial: Bool {
        connections.count < configuration.maximumConnections && (!isComplete || connections.count < 8)
            && connections.values.count { $0.phase == .dialling } < configuration.maximumDials
    }

    mutating func begin(_ endpoint: Endpoint, isUTPOnly: Bool = false, _ now: Duration) {
        let entry = book.entries[endpoint]
        let peer = makeConnection(endpoint, isOutgoing: true, entry?.source ?? .user, now)
        peer.isUTP = isUTPOnly
        peer.isExpected = entry?.holdsAll ?? false
        let route = DialRoute(
            isUTPOnly: isUTPOnly,
            prefersObfuscation: entry?.flags.contains(.prefersEncryption) ?? false
        )
        actions.append(.dial(peer.id, endpoint, route))
    }

    private mutating func makeConnection(
        _ endpoint: Endpoint,
        isOutgoing: Bool,
        _ source: PeerSource,
        _ now: Duration
    ) -> PeerConnection {
        let early = PeerConnection.earlyBitfieldBytes
        let peer = PeerConnection(
            id: ConnectionID(nextConnection),
            endpoint: endpoint,
            isOutgoing: isOutgoing,
            source: source,
            maximumRequests: configuration.maximumRequests,
            bitfieldBytes: content.map { ($0.pieceCount + 7) / 8 } ?? early,
            extensionNames: extensionNames,
            now: now
        )
        nextConnection += 1
        connections[peer.id] = peer
        return peer
    }

    /// What we take; the numbers are by place.
    private var extensionNames: [String] {
        typealias Name = ExtensionTable.Name
        var names = [Name.metadata, Name.uploadOnly, Name.doNotHave]
        if exchangesPeers { names.append(Name.peerExchange) }
        if exchangesPeers, configuration.usesUTP { names.append(Name.holepunch) }
        return names
    }

    // MARK: Events

    /// A dial succeeded: the handshake goes out.
    ///
    /// `isUTP`: what carries the connection, as far as others are told.
    public mutating func connected(_ id: ConnectionID, isUTP: Bool = false, now: Duration) -> [SessionAction] {
        guard let peer = connections[id], peer.phase == .dialling else { return [] }
        peer.isUTP = isUTP
        peer.phase = .handshake
        peer.lastReceived = now
        peer.handshakeSince = now
        // With a v1 hash the v2 bit invites the other side to change to v2 (BEP 52 "upgrade path").
        guard let hash = infoHashes.short.first else { return [] }
        sendHandshake(peer, hash)
        if peer.isExpected { askAhead(peer, now) }
        touch(peer)
        // Its place among the dials under way is free.
        dial(now)
        return finish(now)
    }

    /// Somebody dialled us and has sent the first 48 bytes of a handshake with one of our hashes. What follows them is
    /// given to `receive`.
    ///
    /// - Returns: nil in place of a connection where it is refused; the driver closes it.
    public mutating func accept(
        from endpoint: Endpoint,
        capabilities: Handshake.Capabilities,
        hash: Digest160,
        isUTP: Bool = false,
        now: Duration
    ) -> (ConnectionID?, [SessionAction]) {
        guard !isStopped, infoHashes.matches(hash), !book.refuses(incoming: endpoint, now: now),
            hasRoom(for: endpoint.address), makeRoom(for: endpoint, now)
        else { return (nil, finish(now)) }
        let peer = makeConnection(endpoint, isOutgoing: false, .incoming, now)
        peer.isUTP = isUTP
        received += Int64(Handshake.prefixByteCount)
        peer.capabilities = capabilities
        var answer = hash
        if let v2 = infoHashes.v2?.truncated, capabilities.contains(.v2) || hash == v2 {
            peer.speaksV2 = true
            answer = v2
        }
        sendHandshake(peer, answer)
        touch(peer)
        return (peer.id, finish(now))
    }

    /// One public address must not take all the places.
    private func hasRoom(for address: IPAddress) -> Bool {
        address.isLocal
            || connections.values.count { $0.endpoint.address.subscriber == address.subscriber }
                < SessionConfiguration.maximumPerAddress
    }

    /// Whether there is a place, if need be that of a peer which has been of no use for a minute and is to be preferred less
    /// (BEP 40), or has been of none for long.
    private mutating func makeRoom(for endpoint: Endpoint, _ now: Duration) -> Bool {
        guard connections.count >= configuration.maximumConnections else { return true }
        let priority = priority(of: endpoint)
        let idle = connections.values.filter { peer in
            peer.isRunning && peer.source != .user && peer.uploads.isEmpty
                && now - peer.lastUseful > Self.displaceableAfter
                && (priority > self.priority(of: peer.endpoint) || now - peer.lastUseful > Self.uselessAfter)
        }
        let victim = idle.min { (self.priority(of: $0.endpoint), $0.id) < (self.priority(of: $1.endpoint), $1.id) }
        guard let victim else { return false }
        close(victim, .displaced, now)
        return connections.count < configuration.maximumConnections
    }

    private func priority(of endpoint: Endpoint) -> UInt32 { book.priority(of: endpoint) }

    /// The driver has no room to dial at present: the address is not to blame.
    public mutating func postponed(_ id: ConnectionID, now: Duration) -> [SessionAction] {
        guard let peer = connections[id], peer.phase == .dialling else { return [] }
        peer.isClosed = true
        connections[id] = nil
        book.postponed(peer.endpoint, now: now)
        return finish(now)
    }

    /// The connection is gone, or could not be made.
    public mutating func closed(_ id: ConnectionID, now: Duration) -> [SessionAction] {
        guard let peer = connections[id] else { return [] }
        remove(peer, now)
        return finish(now)
    }

    /// The network has taken `bytes` of what was sent.
    public mutating func sent(_ id: ConnectionID, bytes: Int, now: Duration) -> [SessionAction] {
        guard let peer = connections[id] else { return [] }
        peer.inFlight = max(0, peer.inFlight - bytes)
        peer.sendWindow.sent(bytes, now: now)
        spread?.took(bytes, now: now)
        guard !peer.uploads.isEmpty else { return [] }
        touch(peer)
        return finish(now)
    }

    /// Bytes from a peer. Ranges in the actions count from the start of `input`.
    public mutating func receive(_ input: Span<UInt8>, from id: ConnectionID, now: Duration) -> [SessionAction] {
        guard let peer = connections[id], !peer.isClosed else { return [] }
        peer.lastReceived = now
        received += Int64(input.count)
        touch(peer)
        do {
            var offset = 0
            if peer.phase == .handshake { try receiveHandshake(peer, input, &offset, now) }
            while peer.isRunning, let event = try peer.parser.next(input, offset: &offset) {
                switch event {
                case .message(let message): try handle(message, from: peer, now)
                case .block(let range): beginBlock(range, from: peer, now)
                case .payload(let range): receivePayload(range, from: peer, now)
                }
            }
        } catch {
            close(peer, .wire(error), now)
        }
        return finish(now)
    }

    // MARK: Ending

    mutating func close(_ peer: PeerConnection, _ reason: CloseReason, _ now: Duration) {
        guard !peer.isClosed else { return }
        // A reject or our handshake may explain the end to the other side.
        if reason != .notReading { flush(peer, now) }
        guard !peer.isClosed else { return }
        actions.append(.close(peer.id, reason))
        if reason == .badData { book.forget(peer.endpoint) }
        remove(peer, now)
        // Should we lose something, it has it.
        if reason == .bothComplete { book.rest(peer.endpoint, isSeeding: false) }
    }

    /// Ends the connection for good: the peer harmed us.
    mutating func ban(_ peer: PeerConnection, _ now: Duration) {
        guard !peer.isClosed else { return }
        book.ban(peer.endpoint, peer.peerID, now: now)
        actions.append(.event(.banned(peer.endpoint)))
        close(peer, .badData, now)
    }

    /// The same for a peer that is gone already, as far as it is still known.
    mutating func banDeparted(_ id: ConnectionID, _ now: Duration) {
        guard let peer = departed.take(id) else { return }
        book.ban(peer.endpoint, peer.id, now: now)
        actions.append(.event(.banned(peer.endpoint)))
    }

    private mutating func remove(_ peer: PeerConnection, _ now: Duration) {
        guard !peer.isClosed else { return }
        peer.isClosed = true
        connections[peer.id] = nil
        if peer.isOutgoing {
            book.ended(peer.endpoint, wasUseful: peer.phase == .running, now: now)
            if peer.phase == .running, isComplete, !peer.isInterested {
                book.rest(peer.endpoint, isSeeding: isUploadOnly)
            }
            if peer.phase == .dialling, !peer.isUTP { askForIntroduction(to: peer.endpoint) }
        }
        releaseRequests(of: peer)
        for piece in picker.connectionEnded(peer.id) {
            actions.append(.release(PieceIndex(Int32(piece))))
        }
        if peer.downloaded > 0 { departed.add(peer) }
        metadata?.peerLeft(peer.id, asked: peer.metadataRequests.keys)
        forgetPieces(of: peer)
        uploads.connectionEnded(peer.id)
        spread?.ended(peer.id, isKept: peer.hasAll || peer.isUploadOnly, now: now)
        lookAtAudience(now)
        for other in connections.values { other.hasNothingNew = false }
        lookAround(now)
        touchAll()
        guard !isStopped else { return }
        if !peer.isChoked { fillSlots() }
        dial(now)
    }

    private mutating func forgetPieces(of peer: PeerConnection) {
        guard !peer.hasAll, let pieces = peer.pieces else { return }
        for piece in pieces.indices { picker.peerLost(piece) }
    }
}
