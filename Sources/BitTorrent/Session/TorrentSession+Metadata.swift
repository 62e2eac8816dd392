// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension TorrentSession {
    /// Bytes of metadata that wait in one connection before more requests are refused.
    static let metadataWindow = 1 << 20

    mutating func requestMetadata(_ peer: PeerConnection, _ now: Duration) {
        guard metadata != nil, let size = peer.metadataSize, metadataID(of: peer) != nil,
            peer.metadataRefusedUntil.map({ $0 <= now }) ?? true
        else { return }
        for (index, time) in peer.metadataRequests where now - time > MetadataExchange.patience {
            peer.metadataRequests[index] = nil
        }
        let pending = peer.metadataRequests.count
        let wanted =
            metadata?.portionsToRequest(from: peer.id, size: size, pending: pending, now: now) ?? []
        for index in wanted {
            peer.metadataRequests[index] = now
            send(.request(piece: index), to: peer)
        }
    }

    private func metadataID(of peer: PeerConnection) -> UInt8? { peer.extensions.theirs[ExtensionTable.Name.metadata] }

    private func send(_ message: MetadataMessage, to peer: PeerConnection) {
        guard let id = metadataID(of: peer) else { return }
        peer.send(.extended(id: id, payload: message.encoded))
    }

    mutating func receiveMetadata(_ message: MetadataMessage, from peer: PeerConnection, _ now: Duration) {
        switch message {
        case .request(let index): serveMetadata(index, to: peer)
        case .reject(let index):
            guard peer.metadataRequests.removeValue(forKey: index) != nil else { return }
            metadata?.gaveUp(index, peer.id)
            // It may be fetching it itself.
            peer.metadataRefusedUntil = now + .seconds(5)
        case .data(let index, _, let bytes):
            // On a slow line it may come after the time in which it was awaited.
            peer.metadataRequests[index] = nil
            if let whole = metadata?.receive(index, bytes, from: peer.id, now: now) {
                actions.append(.checkMetadata(whole))
            }
        }
    }

    private func serveMetadata(_ index: Int, to peer: PeerConnection) {
        let start = index * MetadataMessage.portionBytes
        guard let infoDictionary, start < infoDictionary.count,
            peer.inFlight + peer.outbox.count < Self.metadataWindow
        else { return send(.reject(piece: index), to: peer) }
        let end = min(start + MetadataMessage.portionBytes, infoDictionary.count)
        let portion = Array(infoDictionary[start..<end])
        send(.data(piece: index, totalSize: infoDictionary.count, bytes: portion), to: peer)
    }

    /// The info dictionary is right, and this is what it says.
    ///
    /// `have`: the pieces that are on disk already and were verified.
    public mutating func metadataFinished(
        _ content: TorrentContent,
        infoDictionary: [UInt8],
        have: Bitfield? = nil,
        now: Duration
    ) -> [SessionAction] {
        guard metadata != nil else { return [] }
        self.infoDictionary = infoDictionary
        begin(content, have: have ?? Bitfield(count: content.pieceCount))
        actions.append(.event(.metadata))
        // Where everything is there already, that is news too.
        wasComplete = false
        if content.isPrivate { becamePrivate(now) }
        for peer in Array(connections.values) {
            peer.parser.limits.bitfieldBytes = (content.pieceCount + 7) / 8
            guard peer.isRunning else { continue }
            peer.metadataRequests = [:]
            applyEarlyPieces(peer, now)
            offerMetadata(peer)
        }
        becameCompleteIfSo(now)
        touchAll()
        return finish(now)
    }

    /// BEP 27: only those stay whom a tracker or the user named, or who came by themselves.
    private mutating func becamePrivate(_ now: Duration) {
        book.keepForPrivateTorrent()
        for peer in Array(connections.values)
        where !peer.source.isForPrivateTorrents && book.entries[peer.endpoint] == nil {
            close(peer, .privateTorrent, now)
        }
    }

    /// Tells the peer that we have the info dictionary now.
    private func offerMetadata(_ peer: PeerConnection) {
        guard !peer.isClosed, peer.capabilities.contains(.extensions) else { return }
        var handshake = ExtensionHandshake()
        handshake.extensions = peer.extensions.ours
        // It has turned out to be private (BEP 27).
        for name in [ExtensionTable.Name.peerExchange, ExtensionTable.Name.holepunch]
        where !exchangesPeers && handshake.extensions[name] != nil { handshake.extensions[name] = 0 }
        handshake.metadataSize = infoDictionary?.count
        peer.send(.extended(id: 0, payload: handshake.encoded))
    }

    /// The info dictionary that came does not hash to the infohash, or does not parse.
    public mutating func metadataRefused(now: Duration) -> [SessionAction] {
        guard metadata != nil else { return [] }
        if let culprit = metadata?.failed(), let peer = connections[culprit] { ban(peer, now) }
        // Another one may have come meanwhile.
        if let whole = metadata?.takeComplete() { actions.append(.checkMetadata(whole)) }
        for peer in connections.values where metadata?.isMember(peer.id) != true { peer.metadataRequests = [:] }
        touchAll()
        return finish(now)
    }
}
