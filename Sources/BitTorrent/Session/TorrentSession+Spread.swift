// SPDX-License-Identifier: Apache-2.0
internal import DequeModule
internal import Wire

/// Seeding alone for many: see ``SeedSpread``.
extension TorrentSession {
    /// Looks whether we are the only one who has everything, with many who fetch.
    mutating func lookAtAudience(_ now: Duration) {
        guard let content, isComplete, have.isFull, superSeeding == nil, !connections.isEmpty || spread != nil else {
            if spread != nil { stopSpreading() }
            return
        }
        var (fetchers, seeds) = (0, 0)
        for peer in connections.values where peer.isRunning {
            if peer.hasAll { seeds += 1 } else if peer.isInterested { fetchers += 1 }
        }
        if spread == nil {
            guard fetchers > 0 else { return }
            spread = SeedSpread(pieceCount: content.pieceCount, start: Int(random.next() >> 33))
            for peer in connections.values where peer.isRunning {
                for piece in peer.pieces?.indices ?? [] { noteHolder(peer, of: piece) }
            }
        }
        let others = spread?.othersComplete(now) ?? 0
        if fetchers == 0, others == 0, connections.isEmpty { return stopSpreading() }
        let wasActive = spread?.isActive ?? false
        spread?.isActive = seeds == 0 && fetchers > 0 && fetchers + others >= SeedSpread.leastAudience
        guard !wasActive, spread?.isActive == true else { return }
        for peer in connections.values where !peer.isChoked { offerPieces(to: peer) }
    }

    private mutating func stopSpreading() {
        spread = nil
        for peer in connections.values {
            while let block = peer.takeDeferred() { peer.appendUpload(block) }
            touch(peer)
        }
    }

    /// The peer says that it has the piece.
    mutating func noteHolder(_ peer: PeerConnection, of piece: Int) { spread?.give(piece, to: peer.id) }

    /// Names pieces to the peer that nobody else has been named, as many as it will soon ask for.
    mutating func offerPieces(to peer: PeerConnection) {
        guard spread?.isActive == true, peer.isFast, peer.isRunning, peer.isInterested, let content else { return }
        let goal = min(max(2, SeedSpread.offeredBytes / max(1, content.pieceLength)), SeedSpread.maximumOffers)
        while peer.offered.count < goal,
            let piece = spread?.offer(to: peer.id, where: { !peer.has($0) && !peer.offered.contains($0) })
        {
            peer.offered.insert(piece)
            peer.send(.suggest(UInt32(piece)))
            touch(peer)
        }
    }

    /// Whether a request is left until others had the time to answer it.
    mutating func isToWait(_ block: BlockRange, of peer: PeerConnection, _ now: Duration) -> Bool {
        guard spread != nil else { return false }
        let piece = Int(block.piece)
        spread?.give(piece, to: peer.id)
        if peer.offered.remove(piece) != nil { offerPieces(to: peer) }
        guard let spread, spread.isActive, spread.isWithAnother(piece, than: peer.id) else { return false }
        guard peer.grace < Int(block.length) else {
            peer.grace -= Int(block.length)
            return false
        }
        guard isToBeSpared(now) else { return false }
        if spread.releaseAt == nil { self.spread?.releaseAt = now + SeedSpread.pause }
        return true
    }

    /// Whether others should rather serve what they have.
    private func isToBeSpared(_ now: Duration) -> Bool {
        guard let spread, spread.isActive, spread.isLineSlow else { return false }
        return isLineBusy || spread.othersComplete(now) >= SeedSpread.leastAudience
    }

    /// Serves some of what waited, and more the next time.
    mutating func releaseDeferred(_ now: Duration) {
        guard let time = spread?.releaseAt, time <= now else { return }
        spread?.releaseAt = nil
        let isBusy = isToBeSpared(now)
        for peer in connections.values where !peer.deferred.isEmpty {
            var room = isBusy ? peer.nextGrace : .max
            while room > 0, let block = peer.takeDeferred() {
                peer.appendUpload(block)
                room -= Int(block.length)
            }
            peer.nextGrace = min(peer.nextGrace * 2, SeedSpread.largestGrace)
            if !peer.deferred.isEmpty { spread?.releaseAt = now + SeedSpread.pause }
            touch(peer)
        }
    }
}
