// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// How a connection begins: handshakes (BEP 3), whether it is one that we want, and what each is told first (BEP 6, 10).
extension TorrentSession {
    func sendHandshake(_ peer: PeerConnection, _ hash: Digest160) {
        var capabilities: Handshake.Capabilities = [.extensions, .fast]
        if infoHashes.v2 != nil { capabilities.insert(.v2) }
        if dhtPort != nil { capabilities.insert(.dht) }
        peer.outbox += Handshake(capabilities: capabilities, hash: hash, peerID: configuration.peerID).encoded
    }

    /// The port of our DHT node, where peers of this torrent are told it.
    private var dhtPort: UInt16? { content?.isPrivate == true ? nil : configuration.dhtPort }

    mutating func receiveHandshake(
        _ peer: PeerConnection,
        _ input: Span<UInt8>,
        _ offset: inout Int,
        _ now: Duration
    ) throws(PeerWireError) {
        let wanted = peer.isOutgoing ? Handshake.byteCount : Digest160.byteCount
        while peer.handshakeBytes.count < wanted, offset < input.count {
            peer.handshakeBytes.append(input[offset])
            offset += 1
        }
        if peer.isOutgoing {
            guard let handshake = try Handshake.parse(peer.handshakeBytes[...]) else { return }
            // The other side may answer with either hash of a hybrid.
            guard infoHashes.matches(handshake.hash) else { return close(peer, .wrongHash, now) }
            // Who cannot read what went with our handshake is dialled again without.
            guard !peer.isExpected || handshake.capabilities.isSuperset(of: Self.expected) else {
                return close(peer, .protocolViolation, now)
            }
            peer.capabilities = handshake.capabilities
            // With a v1 link to a hybrid we have said nothing of v2: its messages would be an error to the peer (BEP 52).
            if let v2 = infoHashes.v2?.truncated {
                peer.speaksV2 = handshake.hash == v2 || handshake.capabilities.contains(.v2)
            }
            peer.peerID = handshake.peerID
        } else {
            peer.peerID = Digest160(peer.handshakeBytes)
        }
        guard let id = peer.peerID else { return }
        peer.handshakeBytes = []
        admit(peer, id, now)
    }

    private mutating func admit(_ peer: PeerConnection, _ id: Digest160, _ now: Duration) {
        if book.isBanned(id: id) { return close(peer, .banned, now) }
        if id == configuration.peerID {
            book.forget(peer.endpoint)
            return close(peer, .ownPeerID, now)
        }
        if let other = connections.values.first(where: { $0.isRunning && $0.peerID == id }) {
            // Both dialled: both keep the connection that the greater id made. From another address anybody could say that it is
            // the other, and have it thrown out.
            let keepsOutgoing = configuration.peerID > id
            let keepsNew =
                peer.isOutgoing != other.isOutgoing && peer.isOutgoing == keepsOutgoing
                && peer.endpoint.address == other.endpoint.address
            close(keepsNew ? other : peer, .duplicate, now)
            if !keepsNew { return }
        }
        peer.phase = .running
        if !peer.isExpected { greet(peer) }
        if let dhtPort, peer.capabilities.contains(.dht) { peer.send(.port(dhtPort)) }
        reveal(to: peer, now)
    }

    /// What a peer must be able to read that is asked with our handshake.
    private static let expected: Handshake.Capabilities = [.extensions, .fast, .v2]

    /// Sends with our handshake what else would follow the peer's, and its `unchoke`: what we have, that we want something, and
    /// the first requests. So the first block comes one round trip after the connection, where it would be three.
    ///
    /// What the peer has not, or does not serve now, it rejects (BEP 6); what it says of itself then takes the place of what was
    /// taken for granted.
    mutating func askAhead(_ peer: PeerConnection, _ now: Duration) {
        guard content != nil, infoHashes.v1 == nil, superSeeding == nil, !isComplete else {
            peer.isExpected = false
            return
        }
        peer.capabilities = Self.expected
        peer.speaksV2 = true
        greet(peer)
        (peer.hasAll, peer.isGuess, peer.awaitsUnchoke) = (true, true, true)
        peer.weAreInterested = true
        peer.isChokingUs = false
        peer.unchokedAt = now
        peer.send(.interested)
        if connections.count > Self.crowdSize { peer.pipeline.beginModestly() }
        requestHashes(peer, now)
        requestBlocks(peer, now)
    }

    /// The peer says what it has: nothing is taken for granted any more.
    func endGuess(_ peer: PeerConnection) {
        guard peer.isGuess else { return }
        peer.isGuess = false
        peer.hasAll = false
    }

    /// Where a peer reaches us in the other family: what the configuration says, what our program knows, or what peers of that
    /// family see. Nobody learns an address of a network that is not his.
    private func otherAddresses(for peer: IPAddress) -> [IPAddress] {
        let told = (configuration.otherAddresses + reachedAt).filter { $0.isV4 != peer.isV4 }.prefix(1)
        let known = told.isEmpty ? [external[peer.isV4 ? 1 : 0].current].compactMap(\.self) : Array(told)
        return known.filter { $0.isUnicast && $0.isLocal == peer.isLocal && $0.isLoopback == peer.isLoopback }
    }

    /// What every connection starts with: extensions, then what we have.
    private mutating func greet(_ peer: PeerConnection) {
        if peer.capabilities.contains(.extensions) {
            var handshake = ExtensionHandshake()
            handshake.extensions = peer.extensions.ours
            handshake.client = configuration.client
            handshake.listenPort = configuration.listenPort
            handshake.requestQueue = PeerConnection.maximumUploads - 48
            handshake.yourAddress = peer.endpoint.address
            handshake.metadataSize = infoDictionary?.count
            handshake.otherAddresses = otherAddresses(for: peer.endpoint.address)
            // A super-seed poses as one who still fetches.
            if isUploadOnly, superSeeding == nil { handshake.isUploadOnly = true }
            peer.toldUploadOnly = handshake.isUploadOnly ?? false
            peer.send(.extended(id: 0, payload: handshake.encoded))
        }
        if superSeeding != nil {
            if peer.isFast { peer.send(.haveNone) }
        } else if peer.isFast, content == nil || have.isEmpty {
            peer.send(.haveNone)
        } else if peer.isFast, have.isFull {
            peer.send(.haveAll)
        } else if !have.isEmpty {
            peer.send(.bitfield(have.wire))
        }
    }
}
