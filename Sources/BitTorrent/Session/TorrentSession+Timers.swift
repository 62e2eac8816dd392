// SPDX-License-Identifier: Apache-2.0
internal import DequeModule
internal import Wire

extension TorrentSession {
    static let tickInterval = Duration.seconds(1)
    static let dialTimeout = Duration.seconds(10)
    static let handshakeTimeout = Duration.seconds(15)
    /// A peer that answers none of its requests for this long is left aside for others.
    static let requestTimeout = Duration.seconds(10)
    static let hashMemory = Duration.seconds(60)
    static let keepAliveInterval = Duration.seconds(100)
    /// A peer with which no payload goes either way may lose its place to another after the first, and does after the second.
    static let displaceableAfter = Duration.seconds(60)
    static let uselessAfter = Duration.seconds(600)
    /// A connection over which nobody wants anything is kept for the next page, or the next piece, for this long.
    static let idleAfter = Duration.seconds(120)

    /// The time asked for has come.
    public mutating func wake(now: Duration) -> [SessionAction] {
        wakeTime = nil
        guard !isStopped else { return [] }
        if let time = limitOpens, time <= now {
            limitOpens = nil
            touchAll()
        }
        if lastTick.map({ now - $0 >= Self.tickInterval }) ?? true { tick(now) }
        if !webSeeds.isEmpty { releaseStalledRuns(now) }
        releaseDeferred(now)
        dial(now)
        return finish(now)
    }

    private mutating func tick(_ now: Duration) {
        lastTick = now
        for peer in Array(connections.values) {
            peer.pipeline.tick(now: now)
            peer.uploadRate = (peer.uploadRate + Int(peer.uploaded - peer.uploadedBefore)) / 2
            peer.uploadedBefore = peer.uploaded
            peer.leafBytes = min(Self.leafAllowance, peer.leafBytes + Self.leafBytesPerSecond)
            checkTimeouts(peer, now)
            guard peer.isRunning else { continue }
            expireHashRequests(peer, now)
            // What it did not have a minute ago it may have now.
            if !peer.refusedHashes.isEmpty, now - peer.since > Self.hashMemory * (peer.refusalRounds + 1) {
                peer.refusalRounds += 1
                peer.refusedHashes = []
            }
            if now - peer.lastSent >= Self.keepAliveInterval { peer.send(.keepAlive) }
            exchange(peer, now)
            superSeedTick(peer, now)
            touch(peer)
        }
        metadata?.expire(now: now)
        lookAtAudience(now)
        lookAround(now, decays: true)
        fillSlots(additional: Self.slotsPerSecond)
        releaseStuckPieces(now)
        guard now - lastChoke >= Choker.interval else { return }
        rechoke(now)
        picker.forgetAvoided()
        for peer in connections.values { peer.hasNothingNew = false }
    }

    private mutating func checkTimeouts(_ peer: PeerConnection, _ now: Duration) {
        switch peer.phase {
        case .dialling where now - peer.since > Self.dialTimeout: close(peer, .timeout, now)
        // By its start: who sends a byte now and then must not hold the place.
        case .handshake where now - peer.handshakeSince > Self.handshakeTimeout: close(peer, .timeout, now)
        // Asked ahead: others are not to wait for it.
        case .handshake where isOverdue(peer) && now - peer.handshakeSince > PiecePicker.stallTime:
            peer.hashRequests = [:]
            snub(peer, now)
        case .running where now - peer.lastReceived > configuration.idleTimeout: close(peer, .timeout, now)
        case .running where isIdle(peer, now): close(peer, .bothIdle, now)
        case .running where peer.owesBlocks && now - peer.lastBlock > Self.requestTimeout:
            snub(peer, now)
        default: break
        }
    }

    /// It owes us blocks, or their hashes, and has not even answered our handshake.
    private func isOverdue(_ peer: PeerConnection) -> Bool { peer.owesBlocks || !peer.hashRequests.isEmpty }

    /// What the peer was asked for may be asked of others; should it still come, it is taken.
    private mutating func snub(_ peer: PeerConnection, _ now: Duration) {
        let late = peer.requests
        peer.isStalled = true
        peer.pipeline.stalled(now: now)
        peer.lastBlock = now
        releaseRequests(of: peer)
        let room = max(0, RequestPipeline.assumedPeerLimit * 8 - peer.cancelled.count)
        peer.cancelled += late.prefix(room).map { .init(piece: $0.piece, block: $0.block, isCancelled: true) }
    }

    /// A piece that one peer alone may fill, and does not, is begun anew with another.
    private mutating func releaseStuckPieces(_ now: Duration) {
        let stuck = picker.open.values.filter {
            $0.exclusiveTo != nil && now - $0.lastProgress > Self.requestTimeout
        }
        for piece in stuck.map(\.piece).sorted() where picker.abandon(piece) {
            actions.append(.release(PieceIndex(Int32(piece))))
            for peer in connections.values { peer.hasNothingNew = false }
        }
    }

    private mutating func rechoke(_ now: Duration) {
        lastChoke = now
        let interested = connections.values.filter { $0.isRunning && $0.isInterested }
        let isSeeding = isComplete
        let candidates = interested.map {
            Choker.Candidate(id: $0.id, isUnchoked: !$0.isChoked, rate: isSeeding ? $0.uploadRate : $0.pipeline.rate)
        }
        let chosen = choker.rechoke(candidates.sorted { $0.id < $1.id }, random: &random)
        for peer in interested { setChoked(peer, !chosen.contains(peer.id)) }
    }

    mutating func scheduleWake(_ now: Duration) {
        guard !isStopped, configuration.defect != .droppedTimer || wakeTime == nil && lastTick == nil else { return }
        var next = connections.isEmpty ? nil : max(now, (lastTick ?? now - Self.tickInterval) + Self.tickInterval)
        // Where a limit stands in the way its end leads to the next dial: a wake for it would be due at once, for ever.
        if mayDial, !isComplete, let attempt = book.nextAttempt() {
            next = min(next ?? attempt, max(attempt, now))
        }
        if let opens = spread?.releaseAt { next = min(next ?? opens, max(opens, now)) }
        if let limitOpens { next = min(next ?? limitOpens, max(limitOpens, now)) }
        guard let next, wakeTime.map({ next < $0 }) ?? true else { return }
        wakeTime = next
        actions.append(.wake(at: next))
    }
}
