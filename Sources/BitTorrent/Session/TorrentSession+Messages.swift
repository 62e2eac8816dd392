// SPDX-License-Identifier: Apache-2.0
internal import DequeModule
internal import Wire

extension TorrentSession {
    mutating func handle(_ message: PeerMessage, from peer: PeerConnection, _ now: Duration) throws(PeerWireError) {
        // BEP 6: without the fast extension its messages end the connection.
        if message.isFast, !peer.isFast { return close(peer, .protocolViolation, now) }
        switch message {
        case .keepAlive: break
        case .choke: receiveChoke(peer)
        case .unchoke:
            if peer.isChokingUs { peer.unchokedAt = now }
            peer.awaitsUnchoke = false
            peer.isChokingUs = false
            peer.hasNothingNew = false
            peer.lastBlock = now
            if connections.count > Self.crowdSize { peer.pipeline.beginModestly() }
            lookAround(now)
        case .interested: receiveInterested(peer, now)
        case .notInterested:
            peer.isInterested = false
            setChoked(peer, true)
            fillSlots()
        case .have(let piece): receiveHave(Int(piece), from: peer, now)
        case .bitfield(let bits):
            // aria2 says anew what it has when it got several pieces at once, where others send a `have` for each.
            let isFirst = !peer.hasDeclared
            peer.hasDeclared = true
            endGuess(peer)
            receiveBitfield(bits, from: peer, now)
            if isFirst { allowFast(peer) }
        case .haveAll:
            endGuess(peer)
            if declare(peer, now) { receiveHaveAll(peer, now) }
        case .haveNone: if declare(peer, now) { receiveHaveNone(peer, now) }
        case .request(let block): receiveRequest(block, from: peer, now)
        case .cancel(let block): receiveCancel(block, from: peer)
        case .reject(let block): receiveReject(block, from: peer, now)
        case .allowedFast(let piece): receiveAllowedFast(Int(piece), from: peer)
        case .suggest(let piece): receiveSuggestion(Int(piece), from: peer)
        case .port(let port): receiveDHTPort(port, from: peer)
        case .extended(let id, let payload): try receiveExtended(id, payload, from: peer, now)
        case .hashRequest(let request): receiveHashRequest(request, from: peer)
        case .hashes(let request, let hashes): receiveHashes(hashes, for: request, from: peer, now)
        case .hashReject(let request): receiveHashReject(request, from: peer)
        }
    }

    /// BEP 5: once a connection, and not of a private torrent's peers (BEP 27).
    private mutating func receiveDHTPort(_ port: UInt16, from peer: PeerConnection) {
        let node = Endpoint(peer.endpoint.address, port: port)
        // A stranger's word, also where it is about its own address, which others may share.
        guard !peer.hasToldDHTPort, content?.isPrivate != true, AddressPolicy.named(by: node.address).admits(node)
        else {
            return
        }
        peer.hasToldDHTPort = true
        actions.append(.event(.dhtNode(node)))
    }

    // MARK: What the peer has

    /// - Returns: false where the peer has said before what it has, and is closed for it.
    private mutating func declare(_ peer: PeerConnection, _ now: Duration) -> Bool {
        guard !peer.hasDeclared else {
            close(peer, .protocolViolation, now)
            return false
        }
        peer.hasDeclared = true
        return true
    }

    private mutating func receiveHave(_ piece: Int, from peer: PeerConnection, _ now: Duration) {
        guard let content else {
            guard peer.earlyPieces.count < PeerConnection.earlyHaves else { return close(peer, .outOfBounds, now) }
            peer.earlyPieces.append(UInt32(clamping: piece))
            return
        }
        guard piece < content.pieceCount else { return close(peer, .outOfBounds, now) }
        guard !peer.has(piece) else { return }
        if peer.pieces == nil { peer.pieces = Bitfield(count: content.pieceCount) }
        peer.pieces?[piece] = true
        picker.peerGained(piece)
        sawSpread(of: piece, at: peer, now)
        noteHolder(peer, of: piece)
        if peer.pieces?.isFull == true { becameSeed(peer) }
        guard wanted[piece], !have[piece] else { return closeIfUseless(peer, now) }
        peer.hasNothingNew = false
        setInterest(peer, true)
        if sparesSeeds { relieveSeeds(of: piece) }
    }

    private mutating func receiveBitfield(_ bits: [UInt8], from peer: PeerConnection, _ now: Duration) {
        guard let content else {
            peer.earlyBitfield = bits
            return
        }
        guard let pieces = Bitfield(wire: bits, count: content.pieceCount) else {
            return close(peer, .outOfBounds, now)
        }
        guard !peer.hasAll else { return }
        forgetKnown(peer)
        if pieces.isFull {
            becameSeed(peer)
        } else {
            peer.pieces = pieces
            for piece in pieces.indices {
                picker.peerGained(piece)
                noteHolder(peer, of: piece)
            }
        }
        reconsiderInterest(peer, now)
    }

    private mutating func receiveHaveAll(_ peer: PeerConnection, _ now: Duration) {
        forgetKnown(peer)
        peer.hasAll = true
        reconsiderInterest(peer, now)
    }

    private mutating func receiveHaveNone(_ peer: PeerConnection, _ now: Duration) {
        if peer.isGuess {
            endGuess(peer)
            reconsiderInterest(peer, now)
        }
        allowFast(peer)
    }

    /// A seed is counted by its flag: it changes nothing in the order of rarity.
    private mutating func becameSeed(_ peer: PeerConnection) {
        forgetKnown(peer)
        peer.hasAll = true
    }

    private mutating func forgetKnown(_ peer: PeerConnection) {
        guard !peer.hasAll, let pieces = peer.pieces else { return }
        for piece in pieces.indices { picker.peerLost(piece) }
        peer.pieces = nil
    }

    /// Looks anew at what was announced before the number of pieces was known.
    mutating func applyEarlyPieces(_ peer: PeerConnection, _ now: Duration) {
        let bits = peer.earlyBitfield
        let haves = peer.earlyPieces
        peer.earlyBitfield = nil
        peer.earlyPieces = []
        peer.allowedFast = peer.allowedFast.filter { $0 < content?.pieceCount ?? 0 }
        if let bits { receiveBitfield(bits, from: peer, now) }
        for piece in haves where !peer.isClosed { receiveHave(Int(piece), from: peer, now) }
        if !peer.isClosed { reconsiderInterest(peer, now) }
    }

    /// Whether the peer has something that we want.
    func isInteresting(_ peer: PeerConnection) -> Bool {
        guard content != nil, missingCount > 0 else { return false }
        if peer.hasAll { return true }
        return peer.pieces?.hasAny(of: wanted, without: have) ?? false
    }

    mutating func reconsiderInterest(_ peer: PeerConnection, _ now: Duration) {
        peer.hasNothingNew = false
        setInterest(peer, isInteresting(peer))
        closeIfUseless(peer, now)
    }

    mutating func setInterest(_ peer: PeerConnection, _ isInterested: Bool) {
        guard peer.isRunning, peer.weAreInterested != isInterested else { return }
        peer.weAreInterested = isInterested
        peer.send(isInterested ? .interested : .notInterested)
        // It served us before, and will again: the first requests go with the wish.
        if isInterested, peer.isExpected, peer.isChokingUs { (peer.isChokingUs, peer.awaitsUnchoke) = (false, true) }
        touch(peer)
    }

    mutating func closeIfUseless(_ peer: PeerConnection, _ now: Duration) {
        guard configuration.closesWhenBothComplete, hasEverything, !peer.isClosed, peer.hasAll || peer.isUploadOnly,
            peer.uploads.isEmpty, !peer.isInterested
        else { return }
        close(peer, .bothComplete, now)
    }

    /// Whether the connection costs both sides something and neither wants anything, for ``idleAfter``.
    ///
    /// A super-seed waits for what others spread, and whom the user named to a seed may have reasons of its own.
    func isIdle(_ peer: PeerConnection, _ now: Duration) -> Bool {
        configuration.closesWhenBothComplete && isComplete && !peer.isInterested && peer.uploadCount == 0
            && superSeeding == nil && !(peer.source == .user && isUploadOnly)
            && now - max(peer.since, peer.lastUseful) > Self.idleAfter
    }

    // MARK: Choking

    private mutating func receiveChoke(_ peer: PeerConnection) {
        peer.isChokingUs = true
        // Without the fast extension a choke ends all requests; with it each is refused by itself (BEP 6).
        if !peer.isFast { releaseRequests(of: peer) }
    }

    private mutating func receiveInterested(_ peer: PeerConnection, _ now: Duration) {
        guard !peer.isInterested else { return }
        peer.isInterested = true
        lookAtAudience(now)
        let unchoked = connections.values.count { !$0.isChoked }
        if canTakeOn(unchoked: unchoked) { setChoked(peer, false) }
    }

    /// Gives free slots to those who wait for one; `additional`: how many of them even while the line is busy.
    mutating func fillSlots(additional: Int = 0) {
        var additional = additional
        var unchoked = connections.values.count { !$0.isChoked }
        let waiting = connections.values.filter { $0.isRunning && $0.isInterested && $0.isChoked }
        for peer in waiting.sorted(by: { $0.id < $1.id }) where choker.hasFreeSlot(unchoked: unchoked) {
            if !canTakeOn(unchoked: unchoked) {
                guard additional > 0 else { return }
                additional -= 1
            }
            setChoked(peer, false)
            unchoked += 1
        }
    }

    mutating func setChoked(_ peer: PeerConnection, _ isChoked: Bool) {
        guard peer.isRunning, peer.isChoked != isChoked else { return }
        peer.isChoked = isChoked
        // What it is to ask for first stands before the permission to ask.
        if !isChoked { offerPieces(to: peer) }
        peer.send(isChoked ? .choke : .unchoke)
        if isChoked {
            // What was allowed fast is still owed (BEP 6).
            let refused = peer.allUploads.filter { peer.grantedFast[Int($0.piece)] == nil }
            if peer.isFast { for block in refused { peer.send(.reject(block)) } }
            peer.removeUploads { peer.grantedFast[Int($0.piece)] == nil }
        }
        touch(peer)
    }

    // MARK: Extensions

    private mutating func receiveExtended(
        _ id: UInt8,
        _ payload: [UInt8],
        from peer: PeerConnection,
        _ now: Duration
    ) throws(PeerWireError) {
        guard id != 0 else {
            return receiveHandshake(try ExtensionHandshake(parsing: payload), from: peer, now)
        }
        switch peer.extensions.name(of: id) {
        case ExtensionTable.Name.metadata?:
            guard let message = try MetadataMessage.parse(payload, id: id) else { return }
            receiveMetadata(message, from: peer, now)
        case ExtensionTable.Name.uploadOnly?:
            peer.isUploadOnly = payload.first.map { $0 != 0 } ?? false
            closeIfUseless(peer, now)
        case ExtensionTable.Name.doNotHave?:
            receiveDoNotHave(try DoNotHave.parse(payload, id: id), from: peer, now)
        case ExtensionTable.Name.peerExchange?: try receiveExchange(payload, id: id, from: peer, now)
        case ExtensionTable.Name.holepunch?: try receiveHolepunch(payload, id: id, from: peer, now)
        default: break
        }
    }

    private mutating func receiveHandshake(_ handshake: ExtensionHandshake, from peer: PeerConnection, _ now: Duration)
    {
        peer.extensions.merge(handshake)
        if let limit = handshake.requestQueue { peer.pipeline.peerLimit = max(1, limit) }
        if let client = handshake.client { peer.client = String(client.prefix(64)) }
        // One claim each: who changes its mind could start attempts without end.
        peer.metadataSize = peer.metadataSize ?? handshake.metadataSize
        if let encrypts = handshake.prefersEncryption { peer.prefersEncryption = encrypts }
        // A peer sees us in the family of its connection.
        let family = peer.endpoint.address.isV4 ? 0 : 1
        if let seen = handshake.yourAddress, seen.isV4 == peer.endpoint.address.isV4,
            external[family].told(seen, by: peer.endpoint.address), let own = external[family].current
        {
            book.own[family] = Endpoint(own, port: configuration.listenPort ?? 0)
        }
        if peer.listenPort == nil, let port = handshake.listenPort {
            peer.listenPort = port
            // Another way to the same peer, should this one break: at most one of each family.
            for address in handshake.otherAddresses where address.isV4 != peer.endpoint.address.isV4 && exchangesPeers {
                let endpoint = Endpoint(address, port: port)
                guard mayBelieve(endpoint, from: peer) else { continue }
                book.addAlternative(endpoint, to: peer.endpoint, teller: peer.id, now: now)
            }
        }
        if let uploadOnly = handshake.isUploadOnly {
            peer.isUploadOnly = uploadOnly
            closeIfUseless(peer, now)
        }
    }
}
