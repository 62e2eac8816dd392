// SPDX-License-Identifier: Apache-2.0

/// Web seeds: they are asked for runs of whole pieces, and what they send is believed as little as what peers send.
extension TorrentSession {
    /// Web seeds of a torrent; more would only share what the line carries.
    public static var maximumWebSeeds: Int { 64 }

    // MARK: Commands

    /// Takes up a web seed, which is asked once it is said to be ready.
    ///
    /// - Returns: nil where there are ``maximumWebSeeds`` already.
    public mutating func addWebSeed() -> ConnectionID? {
        guard webSeeds.count < Self.maximumWebSeeds, !isStopped else { return nil }
        let id = ConnectionID(nextConnection)
        nextConnection += 1
        webSeeds[id] = WebSeedConnection(id: id)
        return id
    }

    /// Whether the web seed is to be asked; what it was asked for still counts.
    public mutating func setWebSeed(_ id: ConnectionID, isReady: Bool, now: Duration) -> [SessionAction] {
        webSeeds[id]?.isReady = isReady
        return finish(now)
    }

    /// The web seed is given up for good.
    public mutating func removeWebSeed(_ id: ConnectionID, now: Duration) -> [SessionAction] {
        releaseRuns(of: id)
        webSeeds[id] = nil
        return finish(now)
    }

    // MARK: Events

    /// `count` bytes more of what the web seed was asked for: the data of the pieces in order, without padding at their ends.
    /// Ranges in the actions count from the first of them.
    public mutating func receive(fromWebSeed id: ConnectionID, count: Int, now: Duration) -> [SessionAction] {
        var position = 0
        while position < count, webSeeds[id]?.runs.isEmpty == false {
            position += receivePart(from: id, position..<count, now)
        }
        downloaded += Int64(position)
        received += Int64(position)
        return finish(now)
    }

    /// Nothing of what it was asked for comes: others may be asked. `lacks`: pieces that it does not have.
    public mutating func webSeedFailed(
        _ id: ConnectionID,
        lacks: Range<PieceIndex>? = nil,
        now: Duration
    ) -> [SessionAction] {
        releaseRuns(of: id)
        webSeeds[id]?.isStalled = false
        if let lacks, let count = content?.pieceCount, webSeeds[id] != nil {
            var lacking = webSeeds[id]?.lacking ?? Bitfield(count: count)
            for piece in lacks.lowerBound.raw..<lacks.upperBound.raw where piece < count { lacking[Int(piece)] = true }
            webSeeds[id]?.lacking = lacking
        }
        return finish(now)
    }

    // MARK: Asking

    mutating func requestRuns(_ now: Duration) {
        guard let content, content.map != nil, !isPaused, !isStopped, missingCount > 0 else { return }
        for id in webSeeds.keys.sorted() {
            while let seed = webSeeds[id], seed.isReady, !seed.isStalled,
                seed.runs.count < WebSeedConnection.maximumRuns,
                isDownloadOpen(now), let pieces = nextRun(seed, content, now)
            {
                begin(pieces, id, content, now)
            }
        }
    }

    private mutating func nextRun(_ seed: WebSeedConnection, _ content: TorrentContent, _ now: Duration) -> Range<Int>?
    {
        let least = verifyingBytes == 0 ? content.pieceLength : 0
        return picker.takeRun(
            for: seed,
            budget: max(least, configuration.bufferBytes - verifyingBytes),
            limit: limits.download.isEmpty ? seed.bytesAtOnce : WebSeedConnection.runBytes.least,
            now: now,
            length: { content.dataLength(of: $0) ?? 0 }
        )
    }

    private mutating func begin(
        _ pieces: Range<Int>,
        _ id: ConnectionID,
        _ content: TorrentContent,
        _ now: Duration
    ) {
        let bytes = pieces.reduce(0) { $0 + (content.dataLength(of: $1) ?? 0) }
        for limit in limits.download { limit.take(bytes) }
        if webSeeds[id]?.runs.isEmpty == true { webSeeds[id]?.lastProgress = now }
        webSeeds[id]?.runs.append(.init(pieces: pieces, piece: pieces.lowerBound, start: now, bytes: bytes))
        webSeeds[id]?.cursor = pieces.upperBound
        let range = PieceIndex(Int32(pieces.lowerBound))..<PieceIndex(Int32(pieces.upperBound))
        actions.append(.fetch(id, pieces: range))
    }

    // MARK: Receiving

    /// Takes what belongs to one block.
    ///
    /// - Returns: how many of the bytes that were.
    private mutating func receivePart(from id: ConnectionID, _ input: Range<Int>, _ now: Duration) -> Int {
        guard var run = webSeeds[id]?.runs.first, let length = content?.dataLength(of: run.piece), length > 0 else {
            // Nothing of the run is known any more; what comes belongs to nobody.
            webSeeds[id]?.runs = []
            return input.count
        }
        let block = run.offset / TorrentSpecification.blockLength
        let start = block * TorrentSpecification.blockLength
        let end = min(start + TorrentSpecification.blockLength, length)
        if run.offset == start {
            run.isKept = picker.beginReceiving(piece: run.piece, block: block, from: id, now: now)
        }
        let count = min(input.count, end - run.offset)
        if run.isKept, picker.isReceiving(piece: run.piece, block: block, from: id) {
            copy(count, to: run.piece, length, at: run.offset, from: input.lowerBound)
        } else {
            run.isKept = false
        }
        run.offset += count
        if run.offset == end { endBlock(block, run, from: id, now) }
        if run.offset == length {
            run.piece += 1
            run.offset = 0
        }
        // Bad data of an earlier piece may have ended it meanwhile.
        guard webSeeds[id] != nil else { return count }
        if run.piece == run.pieces.upperBound {
            webSeeds[id]?.runs.removeFirst()
            webSeeds[id]?.finished(run, now: now)
        } else {
            webSeeds[id]?.runs[0] = run
        }
        return count
    }

    /// One action for all that lies together.
    private mutating func copy(_ count: Int, to piece: Int, _ length: Int, at offset: Int, from position: Int) {
        let index = PieceIndex(Int32(piece))
        if case .copy(index, _, let before, let input)? = actions.last, input.upperBound == position,
            before + input.count == offset
        {
            let whole = input.lowerBound..<position + count
            actions[actions.count - 1] = .copy(piece: index, length: length, offset: before, input: whole)
        } else {
            actions.append(.copy(piece: index, length: length, offset: offset, input: position..<position + count))
        }
    }

    private mutating func endBlock(_ block: Int, _ run: WebSeedConnection.Run, from id: ConnectionID, _ now: Duration) {
        webSeeds[id]?.lastProgress = now
        webSeeds[id]?.isStalled = false
        if run.isKept { picker.finishReceiving(piece: run.piece, block: block, now: now) }
        picker.requestEnded(piece: run.piece, block: block, by: id)
        guard run.isKept, let piece = picker.open[run.piece] else { return }
        if piece.blocks[block].requests > 0 { cancelElsewhere(run.piece, block) }
        if piece.isComplete { verify(run.piece) }
    }

    // MARK: Ending

    mutating func dropWebSeed(_ id: ConnectionID, _ reason: CloseReason, _ now: Duration) {
        guard webSeeds[id] != nil else { return }
        releaseRuns(of: id)
        webSeeds[id] = nil
        actions.append(.close(id, reason))
    }

    private mutating func releaseRuns(of id: ConnectionID) {
        guard let runs = webSeeds[id]?.runs, !runs.isEmpty else { return }
        webSeeds[id]?.runs = []
        endRequests(of: runs, id)
        for piece in picker.connectionEnded(id) { actions.append(.release(PieceIndex(Int32(piece)))) }
        for peer in connections.values { peer.hasNothingNew = false }
        touchAll()
    }

    private mutating func endRequests(of runs: [WebSeedConnection.Run], _ id: ConnectionID) {
        for run in runs {
            for piece in run.piece..<run.pieces.upperBound {
                let first = piece == run.piece ? run.offset / TorrentSpecification.blockLength : 0
                let count = picker.open[piece]?.blocks.count ?? 0
                for block in first..<max(first, count) { picker.requestEnded(piece: piece, block: block, by: id) }
            }
        }
    }

    /// Once a second: what a web seed dribbles may come from others sooner.
    mutating func releaseStalledRuns(_ now: Duration) {
        for (id, seed) in webSeeds where !seed.isStalled && !seed.runs.isEmpty {
            guard now - seed.lastProgress > WebSeedConnection.patience else { continue }
            webSeeds[id]?.isStalled = true
            endRequests(of: seed.runs, id)
            for peer in connections.values { peer.hasNothingNew = false }
            touchAll()
        }
    }
}
