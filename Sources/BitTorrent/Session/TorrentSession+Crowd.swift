// SPDX-License-Identifier: Apache-2.0
internal import DequeModule
internal import Wire

/// Crowds: many who fetch, few who have everything, and the line of those few is what all wait for.
///
/// What a crowd can take must grow with the crowd. So who fetches leaves the seeds the pieces that hardly anybody has, as
/// long as the others give it no less than the seeds did; and who serves takes on at once only as many as its line can
/// serve, since what was promised to many at once is sent to all of them.
extension TorrentSession {
    /// At least so many fetchers must serve us, and so many for each seed, to be called a crowd.
    static let crowdSize = 4
    static let crowdPerSeed = 4
    /// How long the rate of somebody who has begun to serve us is not held against it.
    static let crowdPatience = Duration.seconds(2)
    /// How long somebody who is there, and has not begun to serve us, is counted as one who will.
    static let crowdHope = Duration.milliseconds(500)
    /// Peers taken on at once, whatever waits; and how many more a second while more waits than the line sends in a second.
    static let steadySlots = 8
    static let slotsPerSecond = 4
    /// What may wait to be sent before a line is called busy, however slow it is.
    static let smallBacklog = 1 << 20

    // MARK: Fetching

    /// Looks whether there is a crowd; `decays`: once a second, for what is remembered of the seeds' rate.
    mutating func lookAround(_ now: Duration, decays: Bool = false) {
        guard missingCount > 0 else {
            sparesSeeds = false
            return
        }
        var (seeds, seedRate, crowd, crowdRate, newcomers) = (0, 0, 0, 0, 0)
        for peer in connections.values where peer.isRunning {
            if peer.hasAll {
                seeds += 1
                seedRate += peer.pipeline.rate
            } else if peer.weAreInterested, !peer.isChokingUs, !peer.isStalled {
                crowd += 1
                crowdRate += peer.pipeline.rate
                if now - peer.unchokedAt < Self.crowdPatience { newcomers += 1 }
            } else if peer.weAreInterested, peer.isChokingUs, now - peer.since < Self.crowdHope {
                crowd += 1
                newcomers += 1
            }
        }
        if decays { bestSeedRate -= bestSeedRate / 10 }
        bestSeedRate = max(bestSeedRate, seedRate)
        let isCrowd = crowd >= max(Self.crowdSize, seeds * Self.crowdPerSeed)
        let didSpare = sparesSeeds
        sparesSeeds = isCrowd && (crowdRate >= bestSeedRate || newcomers * 2 >= crowd)
        if sparesSeeds, !didSpare { relieveSeeds() }
    }

    /// What seeds that are spared were asked for, and others can give as well, is asked of those: a seed's line is long, and what
    /// waits at its end would be sent although it is there already.
    ///
    /// `piece`: only this one; nil for all. What readers wait for is left where it was asked.
    mutating func relieveSeeds(of piece: Int? = nil) {
        for seed in connections.values where seed.hasAll && !seed.requests.isEmpty {
            if let piece, !seed.requests.contains(where: { $0.piece == Int32(piece) }) { continue }
            let moved = seed.requests.filter { request in
                (piece == nil || request.piece == Int32(piece ?? 0)) && isToBeHad(Int(request.piece))
            }
            guard !moved.isEmpty else { continue }
            for request in moved { takeBack(request, from: seed) }
            touchAll()
        }
    }

    /// Whether somebody serves the piece to us who is no seed.
    private func isToBeHad(_ piece: Int) -> Bool {
        !picker.readerOrder.contains(piece)
            && connections.values.contains {
                $0.isRunning && !$0.hasAll && !$0.isChokingUs && !$0.isStalled && $0.has(piece)
            }
    }

    func isSpared(_ peer: PeerConnection) -> Bool { sparesSeeds && peer.hasAll }

    // MARK: Serving

    /// Whether one more can be served at once.
    func canTakeOn(unchoked: Int) -> Bool {
        choker.hasFreeSlot(unchoked: unchoked) && (unchoked < Self.steadySlots || !isLineBusy)
    }

    /// More waits to be sent than leaves in a second.
    var isLineBusy: Bool {
        var (backlog, rate) = (0, 0)
        for peer in connections.values {
            backlog += peer.inFlight + peer.uploadCount * TorrentSpecification.blockLength
            rate += peer.uploadRate
        }
        return backlog > max(Self.smallBacklog, rate)
    }
}
