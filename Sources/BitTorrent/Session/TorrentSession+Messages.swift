// SPDX-License-Identifier: Apache-2.0
internal import DequeModule
internal import Wire

extension TorrentSession {
    mutating func handle(_ message: PeerMessage, from peer: PeerConnection, _ now: Duration) throws(PeerWireError) {
        switch message {
        case .keepAlive: break
        case .choke: receiveChoke(peer)
        case .unchoke:
            if peer.isChokingUs { peer.unchokedAt = now }
            peer.isChokingUs = false
            peer.hasNothingNew = false
            peer.lastBlock = now
            lookAround(now)
        case .interested: receiveInterested(peer)
        case .notInterested:
            peer.isInterested = false
            setChoked(peer, true)
            fillSlots()
        case .have(let piece): receiveHave(Int(piece), from: peer, now)
        case .bitfield(let bits): receiveBitfield(bits, from: peer, now)
        case .haveAll: receiveHaveAll(peer, now)
        case .haveNone: break
        case .request(let block): receiveRequest(block, from: peer, now)
        case .cancel(let block): receiveCancel(block, from: peer)
        case .reject(let block): receiveReject(block, from: peer, now)
        case .allowedFast(let piece): receiveAllowedFast(Int(piece), from: peer)
        case .suggest: break
        case .port(let port):
            actions.append(.event(.dhtNode(Endpoint(peer.endpoint.address, port: port))))
        case .extended(let id, let payload): try receiveExtended(id, payload, from: peer, now)
        case .hashRequest(let request): receiveHashRequest(request, from: peer)
        case .hashes(let request, let hashes): receiveHashes(hashes, for: request, from: peer, now)
        case .hashReject(let request): receiveHashReject(request, from: peer)
        }
    }

    // MARK: What the peer has

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
        if peer.pieces?.isFull == true { becameSeed(peer) }
        guard wanted[piece], !have[piece] else { return closeIfUseless(peer, now) }
        peer.hasNothingNew = false
        setInterest(peer, true)
    }

    private mutating func receiveBitfield(_ bits: [UInt8], from peer: PeerConnection, _ now: Duration) {
        guard let content else {
            peer.earlyBitfield = bits
            return
        }
        guard let pieces = Bitfield(wire: bits, count: content.pieceCount) else {
            return close(peer, .outOfBounds, now)
        }
        forgetKnown(peer)
        if pieces.isFull {
            becameSeed(peer)
        } else {
            peer.pieces = pieces
            for piece in pieces.indices { picker.peerGained(piece) }
        }
        reconsiderInterest(peer, now)
    }

    private mutating func receiveHaveAll(_ peer: PeerConnection, _ now: Duration) {
        forgetKnown(peer)
        peer.hasAll = true
        reconsiderInterest(peer, now)
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
        touch(peer)
    }

    mutating func closeIfUseless(_ peer: PeerConnection, _ now: Duration) {
        guard configuration.closesWhenBothComplete, isComplete, !peer.isClosed,
            configuration.wantsEverything, peer.hasAll, peer.uploads.isEmpty, !peer.isInterested
        else { return }
        close(peer, .bothComplete, now)
    }

    // MARK: Choking

    private mutating func receiveChoke(_ peer: PeerConnection) {
        peer.isChokingUs = true
        // Without the fast extension a choke ends all requests; with it each is refused by itself (BEP 6).
        if !peer.isFast { releaseRequests(of: peer) }
    }

    private mutating func receiveInterested(_ peer: PeerConnection) {
        guard !peer.isInterested else { return }
        peer.isInterested = true
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
        peer.send(isChoked ? .choke : .unchoke)
        if isChoked {
            if peer.isFast { for block in peer.uploads { peer.send(.reject(block)) } }
            peer.removeUploads { _ in true }
        }
        touch(peer)
    }

    private func receiveAllowedFast(_ piece: Int, from peer: PeerConnection) {
        guard let content, piece < content.pieceCount, peer.allowedFast.count < 64 else { return }
        peer.allowedFast.insert(piece)
        peer.hasNothingNew = false
    }

    // MARK: Extensions

    private mutating func receiveExtended(
        _ id: UInt8,
        _ payload: [UInt8],
        from peer: PeerConnection,
        _ now: Duration
    ) throws(PeerWireError) {
        guard id != 0 else {
            let handshake = try ExtensionHandshake(parsing: payload)
            peer.extensions.merge(handshake)
            if let limit = handshake.requestQueue { peer.pipeline.peerLimit = max(1, limit) }
            if let client = handshake.client { peer.client = String(client.prefix(64)) }
            if let size = handshake.metadataSize { peer.metadataSize = size }
            if let uploadOnly = handshake.isUploadOnly { peer.isUploadOnly = uploadOnly }
            return
        }
        switch peer.extensions.name(of: id) {
        case ExtensionTable.Name.metadata?:
            guard let message = try MetadataMessage.parse(payload, id: id) else { return }
            receiveMetadata(message, from: peer, now)
        case ExtensionTable.Name.uploadOnly?: peer.isUploadOnly = payload.first.map { $0 != 0 } ?? false
        default: break
        }
    }
}
