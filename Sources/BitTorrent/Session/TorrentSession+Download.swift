// SPDX-License-Identifier: Apache-2.0
internal import DequeModule
internal import Wire

extension TorrentSession {
    // MARK: Asking

    /// Keeps the peer's pipeline full.
    mutating func requestBlocks(_ peer: PeerConnection, _ now: Duration) {
        guard content != nil, !isPaused, peer.weAreInterested, !peer.isChokingUs || !peer.allowedFast.isEmpty else {
            return
        }
        if let time = peer.retryAt, time > now { return }
        peer.retryAt = nil
        if peer.requests.count < peer.pipeline.depth { fillPipeline(of: peer, now) }
        guard peer.requests.isEmpty, peer.incoming == nil, isDownloadOpen(now) else { return }
        for (piece, block) in isSpared(peer) ? [] : picker.endGame(for: peer) { request(piece, block, from: peer, now) }
        if peer.requests.isEmpty, !isInteresting(peer) { setInterest(peer, false) }
    }

    /// Whether the rate limits let a request out; what comes is limited by what is asked for.
    mutating func isDownloadOpen(_ now: Duration) -> Bool {
        guard !limits.download.isEmpty, let opens = limits.download.take(0, now: now) else { return true }
        wait(until: opens)
        return false
    }

    private mutating func fillPipeline(of peer: PeerConnection, _ now: Duration) {
        guard let content else { return }
        // One piece is allowed however long it is, but only when nothing else is held: pieces that wait for the disk count too.
        let least = verifyingBytes == 0 ? content.pieceLength : 0
        let situation = PickSituation(
            budget: max(least, configuration.bufferBytes - verifyingBytes),
            now: now,
            isSpared: isSpared(peer),
            sparesSeeds: sparesSeeds,
            content: content,
            connections: connections
        )
        let depth = peer.pipeline.depth
        while peer.requests.count < depth, isDownloadOpen(now) {
            guard let (piece, block) = picker.next(for: peer, in: situation) else { return }
            request(piece, block, from: peer, now)
        }
    }

    private mutating func request(_ piece: Int, _ block: Int, from peer: PeerConnection, _ now: Duration) {
        if peer.requests.isEmpty { peer.lastBlock = now }
        peer.requests.append(.init(piece: Int32(piece), block: Int32(block)))
        guard let range = blockRange(piece, block) else { return }
        for limit in limits.download { limit.take(Int(range.length)) }
        peer.send(.request(range))
    }

    private func blockRange(_ piece: Int, _ block: Int) -> BlockRange? {
        guard let length = picker.open[piece]?.blockLength(block) else { return nil }
        return BlockRange(
            piece: UInt32(piece),
            offset: UInt32(block * TorrentSpecification.blockLength),
            length: UInt32(length)
        )
    }

    /// The peer owes us nothing any more.
    mutating func releaseRequests(of peer: PeerConnection) {
        for request in peer.requests {
            picker.requestEnded(piece: Int(request.piece), block: Int(request.block), by: peer.id)
        }
        peer.requests.removeAll()
        if let incoming = peer.incoming, !incoming.isReleased {
            picker.requestEnded(piece: incoming.piece, block: incoming.block, by: peer.id)
            peer.incoming?.isReleased = true
        }
        if peer.isClosed { peer.incoming = nil }
        peer.currentPiece = nil
        touchAll()
    }

    mutating func receiveReject(_ range: BlockRange, from peer: PeerConnection, _ now: Duration) {
        let block = Int(range.offset) / TorrentSpecification.blockLength
        guard Int(range.offset).isMultiple(of: TorrentSpecification.blockLength),
            let request = peer.takeRequest(piece: Int(range.piece), block: block)
        else { return }
        guard !request.isCancelled else { return }
        picker.requestEnded(piece: Int(range.piece), block: block, by: peer.id)
        peer.allowedFast.remove(Int(range.piece))
        // Asked before it serves us: its `unchoke` is waited for, as with any other.
        if peer.awaitsUnchoke { peer.isChokingUs = true }
        if peer.currentPiece == Int(range.piece) { peer.currentPiece = nil }
        // It does not have what it said, or serves no more: do not ask the same again at once.
        if !peer.isChokingUs, !peer.hasAll, peer.pieces?[Int(range.piece)] == true {
            peer.pieces?[Int(range.piece)] = false
            picker.peerLost(Int(range.piece))
        } else if !peer.isChokingUs {
            peer.isStalled = true
            peer.pipeline.stalled(now: now)
            peer.retryAt = now + PeerConnection.refusalPause
        }
        touchAll()
    }

    // MARK: Blocks that come

    private func dataLength(of piece: Int) -> Int? {
        picker.open[piece]?.length ?? content?.dataLength(of: piece)
    }

    mutating func beginBlock(_ range: BlockRange, from peer: PeerConnection, _ now: Duration) {
        let piece = Int(range.piece)
        let block = Int(range.offset) / TorrentSpecification.blockLength
        guard Int(range.offset).isMultiple(of: TorrentSpecification.blockLength), let length = dataLength(of: piece),
            block * TorrentSpecification.blockLength < length,
            Int(range.length)
                == min(TorrentSpecification.blockLength, length - block * TorrentSpecification.blockLength),
            peer.takeRequest(piece: piece, block: block) != nil
        else { return close(peer, .unrequestedBlock, now) }
        peer.lastBlock = now
        let isKept = picker.beginReceiving(piece: piece, block: block, from: peer.id, now: now)
        peer.incoming = PeerConnection.Incoming(
            piece: piece,
            block: block,
            position: Int(range.offset),
            end: Int(range.offset) + Int(range.length),
            isKept: isKept
        )
    }

    mutating func receivePayload(_ range: Range<Int>, from peer: PeerConnection, _ now: Duration) {
        guard var incoming = peer.incoming, let length = dataLength(of: incoming.piece) else { return }
        if incoming.isKept, picker.isReceiving(piece: incoming.piece, block: incoming.block, from: peer.id) {
            let piece = PieceIndex(Int32(incoming.piece))
            actions.append(.copy(piece: piece, length: length, offset: incoming.position, input: range))
        } else {
            // Another connection has taken the block over.
            incoming.isKept = false
        }
        incoming.position += range.count
        peer.incoming = incoming
        peer.downloaded += Int64(range.count)
        downloaded += Int64(range.count)
        if incoming.position == incoming.end { endBlock(incoming, from: peer, now) }
    }

    private mutating func endBlock(_ incoming: PeerConnection.Incoming, from peer: PeerConnection, _ now: Duration) {
        peer.incoming = nil
        peer.isStalled = false
        peer.lastBlock = now
        peer.lastUseful = now
        peer.pipeline.received(bytes: incoming.end - incoming.block * TorrentSpecification.blockLength, now: now)
        if incoming.isKept { picker.finishReceiving(piece: incoming.piece, block: incoming.block, now: now) }
        if !incoming.isReleased {
            picker.requestEnded(piece: incoming.piece, block: incoming.block, by: peer.id)
        }
        guard incoming.isKept, let piece = picker.open[incoming.piece] else { return }
        if piece.blocks[incoming.block].requests > 0 { cancelElsewhere(incoming.piece, incoming.block) }
        if piece.isComplete { verify(incoming.piece) }
    }

    /// Takes back what others were asked for too.
    mutating func cancelElsewhere(_ piece: Int, _ block: Int) {
        let request = PeerConnection.Request(piece: Int32(piece), block: Int32(block))
        for other in connections.values {
            guard other.requests.contains(request) else { continue }
            takeBack(request, from: other)
        }
    }

    /// The peer need not send what it was asked for.
    mutating func takeBack(_ request: PeerConnection.Request, from peer: PeerConnection) {
        guard let index = peer.requests.firstIndex(of: request) else { return }
        peer.requests.remove(at: index)
        let (piece, block) = (Int(request.piece), Int(request.block))
        picker.requestEnded(piece: piece, block: block, by: peer.id)
        if peer.currentPiece == piece { peer.currentPiece = nil }
        // It may be on its way already; without the fast extension no answer tells us that it is not.
        var late = request
        late.isCancelled = true
        if peer.cancelled.count >= PeerConnection.maximumCancelled { peer.cancelled.removeFirst() }
        peer.cancelled.append(late)
        if let range = blockRange(piece, block) { peer.send(.cancel(range)) }
        touch(peer)
    }
}
