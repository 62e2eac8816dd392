// SPDX-License-Identifier: Apache-2.0
internal import DequeModule
internal import Wire

extension TorrentSession {
    /// The send windows of all peers together.
    static let totalSendWindow = 24 << 20
    /// How far reading goes ahead of sending: by bytes, and by requests looked at.
    static let readAheadBytes = 1 << 20
    static let readAheadRequests = 128
    /// Requests in a row that are refused before the connection is: a choke can cross at most what we keep for a peer.
    static let maximumRefused = 2 * PeerConnection.maximumUploads

    mutating func receiveRequest(_ block: BlockRange, from peer: PeerConnection, _ now: Duration) {
        guard block.length > 0, block.length <= PeerMessageParser.Limits.blockBytes else {
            return close(peer, .outOfBounds, now)
        }
        let isGranted = peer.isChoked && isGranted(block, to: peer)
        guard !peer.isChoked || isGranted, isServable(block),
            peer.uploadCount < PeerConnection.maximumUploads || configuration.defect == .unboundedQueue,
            superSeeding == nil || peer.revealed.contains(Int(block.piece))
        else {
            // Asked before the choke reached it, or for something that we do not have.
            return refuse(block, to: peer, now)
        }
        peer.refused = 0
        if isGranted { peer.grantedFast[Int(block.piece), default: 0] -= Int(block.length) }
        if isToWait(block, of: peer, now) { peer.deferUpload(block) } else { peer.appendUpload(block) }
    }

    private mutating func refuse(_ block: BlockRange, to peer: PeerConnection, _ now: Duration) {
        peer.refused += 1
        guard peer.refused <= Self.maximumRefused else { return close(peer, .flooding, now) }
        if peer.isFast { peer.send(.reject(block)) }
    }

    /// Only what was verified is ever read.
    private func isServable(_ block: BlockRange) -> Bool {
        guard let content, block.piece < content.pieceCount, have[Int(block.piece)],
            let length = content.wireLength(of: Int(block.piece))
        else { return false }
        return Int(block.offset) + Int(block.length) <= length
    }

    mutating func receiveCancel(_ block: BlockRange, from peer: PeerConnection) {
        guard peer.owes(block) else { return }
        peer.removeUploads { $0 == block }
        peer.nextGrace = SeedSpread.firstGrace
        if peer.isFast { peer.send(.reject(block)) }
    }

    mutating func serveBlocks(_ peer: PeerConnection, _ now: Duration) {
        guard !peer.uploads.isEmpty else { return }
        let active = max(1, connections.values.count { !$0.uploads.isEmpty })
        let window = min(peer.sendWindow.bytes, max(SendWindow.smallest, Self.totalSendWindow / active))
        while let block = peer.uploads.first, peer.inFlight < window {
            let key = readKey(for: block, peer)
            switch uploads.lookup(key, for: peer.id) {
            case .ready(let read):
                if let opens = limits.upload.take(Int(block.length), now: now) {
                    wait(until: opens)
                    break
                }
                peer.removeFirstUpload()
                send(block, key, read, to: peer, now)
                continue
            case .loading: break
            case .absent: startRead(key, for: peer.id)
            }
            break
        }
        readAhead(for: peer)
    }

    private func readKey(for block: BlockRange, _ peer: PeerConnection) -> UploadCache.Key {
        let length = content?.wireLength(of: Int(block.piece)) ?? 0
        if let whole = uploads.whole(Int(block.piece), length: length) { return whole }
        // A single small request is not worth a long read.
        let isSmall =
            Int(block.length) < TorrentSpecification.blockLength && peer.uploads.count < 4
            && length > UploadCache.unit / 4
        return UploadCache.key(for: block, pieceLength: length, isSmall: isSmall)
    }

    /// Reads, unless the cache is full of reads under way: then the end of one of them brings us back here.
    private mutating func startRead(_ key: UploadCache.Key, for connection: ConnectionID) {
        let released = uploads.makeRoom(for: key.length, limit: configuration.readCacheBytes)
        actions += released.map { SessionAction.releaseRead($0) }
        guard uploads.bytes == 0 || uploads.bytes + UploadCache.cost(key.length) <= configuration.readCacheBytes else {
            return
        }
        let id = ReadID(nextRead)
        nextRead += 1
        uploads.insert(key, id, for: connection)
        actions.append(
            .read(id, piece: PieceIndex(Int32(key.piece)), offset: key.offset, length: key.length)
        )
    }

    /// Others are likely to ask at once for what has just come: it need not be read again, where it is not too long. A piece that
    /// could not be read once is: the disk is to show that it has it.
    mutating func keepForOthers(_ piece: Int) {
        guard unreadable[piece] == nil, let content, let length = content.wireLength(of: piece),
            length == content.dataLength(of: piece),
            length <= configuration.readCacheBytes / 4, uploads.whole(piece, length: length) == nil,
            connections.values.contains(where: { $0.isRunning && $0.isInterested && !$0.isChoked && !$0.has(piece) })
        else { return }
        let released = uploads.makeRoom(for: length, limit: configuration.readCacheBytes)
        actions += released.map { SessionAction.releaseRead($0) }
        guard uploads.bytes + UploadCache.cost(length) <= configuration.readCacheBytes else { return }
        let id = ReadID(nextRead)
        nextRead += 1
        uploads.keep(UploadCache.Key(piece: piece, offset: 0, length: length), id)
        actions.append(.keep(id, PieceIndex(Int32(piece))))
    }

    /// Starts reads for what the peer will be sent next, so that the disk is ahead of the network.
    private mutating func readAhead(for peer: PeerConnection) {
        var last: UploadCache.Key?
        while peer.aheadBytes < Self.readAheadBytes, peer.aheadCount < Self.readAheadRequests,
            let block = peer.nextAhead()
        {
            let key = readKey(for: block, peer)
            guard key != last else { continue }
            last = key
            if uploads.lookup(key, for: peer.id) == .absent { startRead(key, for: peer.id) }
        }
    }

    private mutating func send(
        _ block: BlockRange,
        _ key: UploadCache.Key,
        _ read: ReadID,
        to peer: PeerConnection,
        _ now: Duration
    ) {
        flush(peer, now)
        guard !peer.isClosed else { return }
        let start = Int(block.offset) - key.offset
        peer.inFlight += PieceHeader.byteCount + Int(block.length)
        peer.lastSent = now
        peer.lastUseful = now
        peer.uploaded += Int64(block.length)
        uploaded += Int64(block.length)
        let range = start..<start + Int(block.length)
        actions.append(.sendBlock(peer.id, header: PieceHeader(block), read: read, range: range))
    }

    /// A read has ended.
    public mutating func readFinished(_ id: ReadID, succeeded: Bool, now: Duration) -> [SessionAction] {
        let key = uploads.key(of: id)
        guard let waiting = uploads.finished(id, succeeded: succeeded) else {
            return [.releaseRead(id)]
        }
        for connection in waiting { if let peer = connections[connection] { touch(peer) } }
        if !succeeded {
            actions.append(.releaseRead(id))
            if let key {
                // Several reads of one piece may fail at once: it is lost once.
                if have[key.piece] { countUnreadable(key.piece) }
                lose([key.piece])
                actions.append(.event(.pieceUnreadable(PieceIndex(Int32(key.piece)))))
            }
        }
        // Others may have found the cache full.
        for peer in connections.values where !peer.uploads.isEmpty && peer.inFlight == 0 { touch(peer) }
        return finish(now)
    }

    /// How often one piece is downloaded again because it could not be read.
    static let rereadAttempts = 3

    /// A disk that takes what it does not give back would have a piece downloaded for ever: that is a failure of storage.
    private mutating func countUnreadable(_ piece: Int) {
        unreadable[piece, default: 0] += 1
        guard unreadable[piece, default: 0] > Self.rereadAttempts else { return }
        isPaused = true
        actions.append(.event(.storageFailed(PieceIndex(Int32(piece)))))
    }

    /// A rate limit is reached.
    mutating func wait(until opens: Duration) { limitOpens = min(limitOpens ?? opens, opens) }
}
