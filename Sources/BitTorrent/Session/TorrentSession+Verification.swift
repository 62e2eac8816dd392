// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A piece that did not hash right: who sent which block, and what the block was.
struct FailedAttempt {
    var senders: [ConnectionID]
    var digests: [Digest256]
}

extension TorrentSession {
    /// Attempts at one piece that are remembered for comparison.
    static let maximumFailures = 256

    mutating func verify(_ piece: Int) {
        guard var check = content?.check(of: piece), let record = picker.take(piece) else { return }
        verifying[piece] = record
        verifyingBytes += record.length
        check.wantsBlockDigests = failures[piece] != nil
        actions.append(.verify(check))
    }

    /// The worker is done with a piece.
    public mutating func pieceFinished(
        _ index: PieceIndex,
        _ outcome: PieceOutcome,
        now: Duration
    ) -> [SessionAction] {
        let piece = Int(index.raw)
        guard let record = verifying.removeValue(forKey: piece) else { return [] }
        verifyingBytes -= record.length
        switch outcome {
        case .mismatch(let digests) where configuration.defect == .servesUnverified: stored(piece, digests, now)
        case .stored(let digests): stored(piece, digests, now)
        case .mismatch(let digests): mismatched(piece, record, digests, now)
        case .failed:
            isPaused = true
            picker.want(piece)
            actions.append(.event(.storageFailed(index)))
        }
        touchAll()
        return finish(now)
    }

    private mutating func stored(_ piece: Int, _ digests: [Digest256], _ now: Duration) {
        guard !have[piece] else { return }
        have[piece] = true
        if wanted[piece] { missingCount -= 1 }
        picker.forgetSingleSource(piece)
        dropFromReaders(piece)
        blameSenders(of: piece, rightDigests: digests, now)
        keepForOthers(piece)
        for peer in connections.values where peer.isRunning {
            // A seed has no use for the news; whoever else has the piece may be a super-seed that waits for it (BEP 16).
            if !peer.hasAll { peer.send(.have(UInt32(piece))) }
            touch(peer)
        }
        actions.append(.event(.pieceVerified(PieceIndex(Int32(piece)))))
        becameCompleteIfSo(now)
    }

    mutating func becameCompleteIfSo(_ now: Duration) {
        guard isComplete, !wasComplete else { return }
        wasComplete = true
        actions.append(.event(.complete))
        for peer in Array(connections.values) where peer.isRunning {
            setInterest(peer, false)
            sendUploadOnly(peer)
            closeIfUseless(peer, now)
        }
    }

    /// BEP 21: from now on we want nothing.
    private func sendUploadOnly(_ peer: PeerConnection) {
        guard isUploadOnly, !peer.toldUploadOnly,
            let number = peer.extensions.theirs[ExtensionTable.Name.uploadOnly]
        else { return }
        peer.toldUploadOnly = true
        peer.send(.extended(id: number, payload: [1]))
    }

    /// And after all we want something more.
    func takeBackUploadOnly(_ peer: PeerConnection) {
        guard peer.toldUploadOnly, let number = peer.extensions.theirs[ExtensionTable.Name.uploadOnly] else { return }
        peer.toldUploadOnly = false
        peer.send(.extended(id: number, payload: [0]))
    }

    // MARK: Whose fault it is

    private mutating func mismatched(
        _ piece: Int,
        _ record: OpenPiece,
        _ digests: [Digest256],
        _ now: Duration
    ) {
        let senders = Set(record.senders)
        if let only = senders.first, senders.count == 1 {
            // Everything came from one peer.
            punish(only, now)
        } else if failures[piece] == nil, failures.count < Self.maximumFailures {
            failures[piece] = FailedAttempt(senders: record.senders, digests: digests)
            requestLeaves(of: piece)
        }
        // The next attempt comes from one peer, so that it either succeeds or shows who it is.
        picker.requireSingleSource(piece)
        enlist([piece])
    }

    private mutating func punish(_ culprit: ConnectionID, _ now: Duration) {
        if let peer = connections[culprit] { return ban(peer, now) }
        banDeparted(culprit, now)
        dropWebSeed(culprit, .badData, now)
    }

    /// The piece is right now: whoever sent something else before is found out.
    private mutating func blameSenders(of piece: Int, rightDigests: [Digest256], _ now: Duration) {
        guard let failed = failures.removeValue(forKey: piece), failed.digests.count == rightDigests.count else {
            return
        }
        let culprits = Set(
            failed.senders.indices.lazy
                .filter { $0 < rightDigests.count && failed.digests[$0] != rightDigests[$0] }
                .map { failed.senders[$0] }
        )
        for culprit in culprits.sorted() { punish(culprit, now) }
    }

    /// In v2 the leaf hashes name the bad block without a second attempt.
    private mutating func requestLeaves(of piece: Int) {
        guard let request = content?.leafRequest(ofPiece: piece), !hashesWanted.contains(request) else { return }
        hashesWanted.append(request)
    }

    /// Proven leaf hashes came: compare what was sent with them.
    mutating func leavesArrived(first: Int, _ leaves: [Digest256], root: Digest256, _ now: Duration) {
        guard let content else { return }
        let perPiece = content.pieceLength / TorrentSpecification.blockLength
        for start in content.firstPieces(ofRoot: root) {
            let piece = start + first / perPiece
            guard let failed = failures[piece], failed.digests.count == leaves.count else { continue }
            blameSenders(of: piece, rightDigests: leaves, now)
        }
    }
}
