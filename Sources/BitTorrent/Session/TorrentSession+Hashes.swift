// SPDX-License-Identifier: Apache-2.0
public import Wire

/// A request for leaf hashes, which are on disk only as the data under them.
struct LeafAnswer {
    var request: HashRequest
    var connection: ConnectionID
    /// The first piece that is read for it.
    var first: PieceIndex
}

/// The hashes of BEP 52, both ways.
extension TorrentSession {
    static let hashRequestsPerPeer = 16
    static let hashPatience = Duration.seconds(15)
    /// Bytes read for one request of leaf hashes, and how many such requests are under way.
    static let maximumLeafBytes = 32 << 20
    static let maximumLeafReads = 4
    /// Bytes that one peer may have hashed for leaves at once, and how many more each second: such hashes help to find one bad
    /// block now and then, and cost us a thousand times what they cost who asks.
    static let leafAllowance = 64 << 20
    static let leafBytesPerSecond = 1 << 20

    mutating func requestHashes(_ peer: PeerConnection, _ now: Duration) {
        guard !hashesWanted.isEmpty, peer.speaksV2 else { return }
        let pending = Set(connections.values.flatMap { $0.hashRequests.keys })
        for request in hashesWanted where peer.hashRequests.count < Self.hashRequestsPerPeer {
            guard !pending.contains(request), !peer.refusedHashes.contains(request) else { continue }
            peer.hashRequests[request] = now
            peer.send(.hashRequest(request))
        }
    }

    mutating func receiveHashes(
        _ hashes: [Digest256],
        for request: HashRequest,
        from peer: PeerConnection,
        _ now: Duration
    ) {
        guard peer.hashRequests.removeValue(forKey: request) != nil, content != nil else { return }
        switch content?.accept(hashes, for: request) {
        case .pieces(let pieces)?:
            hashesWanted.removeAll { $0 == request }
            for first in content?.firstPieces(ofRoot: request.piecesRoot) ?? [] {
                enlist(pieces.map { $0 + first })
            }
            touchAll()
        case .leaves(let first, let leaves)?:
            hashesWanted.removeAll { $0 == request }
            leavesArrived(first: first, leaves, root: request.piecesRoot, now)
        case .refused?: ban(peer, now)
        case .notUsable?, nil: receiveHashReject(request, from: peer)
        }
    }

    /// Takes piece layers that are known from elsewhere, by file root: what is held under them can be given on.
    public mutating func learn(pieceLayers: [Digest256: [UInt8]], now: Duration) -> [SessionAction] {
        for (root, bytes) in pieceLayers {
            content?.setPieceLayer(bytes, of: root)
            guard content?.trees[root]?.isComplete == true else { continue }
            hashesWanted.removeAll { $0.piecesRoot == root && $0.baseLayer != 0 }
            for first in content?.firstPieces(ofRoot: root) ?? [] {
                enlist((0..<(content?.trees[root]?.pieceCount ?? 0)).map { $0 + first })
            }
        }
        touchAll()
        return finish(now)
    }

    mutating func receiveHashReject(_ request: HashRequest, from peer: PeerConnection) {
        peer.hashRequests[request] = nil
        if peer.refusedHashes.count < 1024 { peer.refusedHashes.insert(request) }
        // Leaves only help to find who lied; pieces are needed.
        let isLeaf =
            request.baseLayer == 0 && content.map { $0.pieceLength > TorrentSpecification.blockLength } ?? false
        if isLeaf { hashesWanted.removeAll { $0 == request } }
        touchAll()
    }

    /// Forgets requests that nobody answered, so that another peer is asked.
    mutating func expireHashRequests(_ peer: PeerConnection, _ now: Duration) {
        let overdue = peer.hashRequests.filter { now - $0.value > Self.hashPatience }.keys
        // In an order that does not depend on the hash table's.
        for request in overdue.sorted(by: { $0.precedes($1) }) { receiveHashReject(request, from: peer) }
    }

    mutating func receiveHashRequest(_ request: HashRequest, from peer: PeerConnection) {
        guard peer.inFlight + peer.outbox.count < Self.metadataWindow else {
            return peer.send(.hashReject(request))
        }
        guard let tree = content?.trees[request.piecesRoot] else { return peer.send(.hashReject(request)) }
        if let answer = tree.answer(request) {
            return peer.send(.hashes(request, answer))
        }
        answerFromDisk(request, tree, to: peer)
    }

    // MARK: Leaves

    /// Leaf hashes are not kept: they are made from the pieces, a few requests at a time.
    private mutating func answerFromDisk(_ request: HashRequest, _ tree: MerkleTree, to peer: PeerConnection) {
        guard let content, let wanted = tree.piecesToHash(for: request),
            wanted.count * content.pieceLength <= min(Self.maximumLeafBytes, peer.leafBytes),
            leafReads.count < Self.maximumLeafReads,
            !leafReads.values.contains(where: { $0.connection == peer.id }),
            let start = content.firstPieces(ofRoot: request.piecesRoot).first(where: { start in
                wanted.allSatisfy { have[$0 + start] }
            })
        else { return peer.send(.hashReject(request)) }
        let id = ReadID(nextRead)
        nextRead += 1
        peer.leafBytes -= wanted.count * content.pieceLength
        let first = PieceIndex(Int32(wanted.lowerBound + start))
        leafReads[id] = LeafAnswer(request: request, connection: peer.id, first: first)
        let end = PieceIndex(Int32(wanted.upperBound + start))
        actions.append(.hashLeaves(id, pieces: first..<end))
    }

    /// The blocks of pieces were hashed; nil where they could not be read.
    public mutating func leavesFinished(_ id: ReadID, _ leaves: [Digest256]?, now: Duration) -> [SessionAction] {
        guard let answer = leafReads.removeValue(forKey: id) else { return [] }
        let tree = content?.trees[answer.request.piecesRoot]
        let hashes = leaves.flatMap { leaves in
            tree?.contains(leaves: leaves, readFor: answer.request) == true
                ? tree?.answer(answer.request, leaves: leaves) : nil
        }
        // They do not lead to the file's root: what is on the disk is not what was written there.
        if hashes == nil { actions.append(.event(.pieceUnreadable(answer.first))) }
        if let peer = connections[answer.connection] {
            peer.send(hashes.map { .hashes(answer.request, $0) } ?? .hashReject(answer.request))
            touch(peer)
        }
        return finish(now)
    }
}
