// SPDX-License-Identifier: Apache-2.0
internal import DequeModule
internal import Wire

/// The fast extension (BEP 6) apart from its refusals, and taking back what was announced (BEP 54).
extension TorrentSession {
    /// Suggestions of one peer that are remembered.
    static let maximumSuggestions = 32
    /// Pieces that one peer may take back, for each piece of the torrent, before it is called a flood.
    static let maximumTakenBack = 4

    // MARK: Allowed fast, given

    /// Tells a peer that starts with little what it may ask for while it is choked.
    func allowFast(_ peer: PeerConnection) {
        guard configuration.uploadSlots > 0, peer.isFast, let content, peer.isChoked, peer.grantedFast.isEmpty,
            superSeeding == nil,
            !peer.hasAll, peer.pieces?.setCount ?? 0 < AllowedFastSet.size, !have.isEmpty,
            let hash = infoHashes.short.first
        else { return }
        let set = AllowedFastSet.pieces(
            for: peer.endpoint.address,
            infoHash: infoHashes.v1 ?? hash,
            pieceCount: content.pieceCount
        )
        for piece in set where have[piece] && !peer.has(piece) {
            peer.grantedFast[piece] = content.wireLength(of: piece) ?? 0
            peer.send(.allowedFast(UInt32(piece)))
        }
    }

    /// Whether a choked peer may have the block: each byte of its pieces once, while it has little.
    func isGranted(_ block: BlockRange, to peer: PeerConnection) -> Bool {
        guard let left = peer.grantedFast[Int(block.piece)], left >= Int(block.length) else { return false }
        return peer.pieces?.setCount ?? 0 <= AllowedFastSet.size
    }

    // MARK: Allowed fast and suggestions, received

    mutating func receiveAllowedFast(_ piece: Int, from peer: PeerConnection) {
        guard peer.allowedFast.count < 64 else { return }
        if let content, piece >= content.pieceCount { return }
        peer.allowedFast.insert(piece)
        peer.hasNothingNew = false
    }

    /// What a peer would like to send is begun first, other things being equal.
    mutating func receiveSuggestion(_ piece: Int, from peer: PeerConnection) {
        guard let content, piece < content.pieceCount, !have[piece], !peer.suggested.contains(piece) else { return }
        if peer.suggested.count >= Self.maximumSuggestions { peer.suggested.removeFirst() }
        peer.suggested.append(piece)
    }

    // MARK: Pieces taken back

    /// BEP 54: a peer no longer has a piece.
    mutating func receiveDoNotHave(_ piece: Int, from peer: PeerConnection, _ now: Duration) {
        guard let content, piece < content.pieceCount, peer.has(piece) else { return }
        peer.takenBack += peer.hasAll ? content.pieceCount : 1
        guard peer.takenBack <= Self.maximumTakenBack * content.pieceCount + 16 else {
            return close(peer, .flooding, now)
        }
        if peer.hasAll {
            peer.hasAll = false
            peer.pieces = Bitfield(allSet: content.pieceCount)
            for other in 0..<content.pieceCount where other != piece { picker.peerGained(other) }
        } else {
            picker.peerLost(piece)
        }
        peer.pieces?[piece] = false
        if peer.currentPiece == piece { peer.currentPiece = nil }
        setInterest(peer, isInteresting(peer))
    }

    /// Pieces that are no longer in the storage, or not as they were: offered no longer, and downloaded again where they are
    /// wanted.
    public mutating func lost(_ pieces: some Sequence<Int>, now: Duration) -> [SessionAction] {
        lose(pieces)
        return finish(now)
    }

    mutating func lose(_ pieces: some Sequence<Int>) {
        var missing: [Int] = []
        for piece in pieces where piece >= 0 && piece < have.count && have[piece] {
            have[piece] = false
            actions += uploads.forget(piece: piece).map { SessionAction.releaseRead($0) }
            for peer in connections.values where peer.isRunning { takeBack(piece, from: peer) }
            guard wanted[piece] else { continue }
            missingCount += 1
            wasComplete = false
            missing.append(piece)
        }
        guard !missing.isEmpty else { return }
        enlist(missing)
        for peer in connections.values where peer.isRunning { setInterest(peer, isInteresting(peer)) }
        touchAll()
    }

    private mutating func takeBack(_ piece: Int, from peer: PeerConnection) {
        peer.revealed.remove(piece)
        let refused = peer.allUploads.filter { Int($0.piece) == piece }
        if !refused.isEmpty {
            peer.removeUploads { Int($0.piece) == piece }
            if peer.isFast { for block in refused { peer.send(.reject(block)) } }
        }
        if let number = peer.extensions.theirs[ExtensionTable.Name.doNotHave] {
            peer.send(.extended(id: number, payload: DoNotHave.encode(piece)))
        }
        touch(peer)
    }
}

/// The payload of `lt_donthave` (BEP 54).
enum DoNotHave {
    static func encode(_ piece: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: UInt32(clamping: piece))
        return bytes
    }

    static func parse(_ payload: [UInt8], id: UInt8) throws(PeerWireError) -> Int {
        var reader = ByteReader(payload)
        guard let piece = reader.read(UInt32.self) else { throw .malformedExtension(id: id) }
        return Int(piece)
    }
}
