// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// What is wanted, and in which order.
extension TorrentSession {
    /// Pieces in one reader's list that are kept.
    static let maximumReaderPieces = 4096

    /// Adds pieces to those that are to be downloaded.
    public mutating func want(_ pieces: Range<Int>, now: Duration) -> [SessionAction] {
        markWanted(pieces.clamped(to: 0..<have.count))
        return finish(now)
    }

    private mutating func markWanted(_ pieces: some Sequence<Int>) {
        var added: [Int] = []
        for piece in pieces where !wanted[piece] {
            wanted[piece] = true
            if !have[piece] {
                missingCount += 1
                wasComplete = false
                added.append(piece)
            }
        }
        guard !added.isEmpty else { return }
        enlist(added)
        for peer in connections.values where peer.isRunning {
            takeBackUploadOnly(peer)
            setInterest(peer, isInteresting(peer))
        }
        touchAll()
    }

    /// Adds files of a sparse torrent, whose pieces can be wanted from then on.
    ///
    /// - Returns: false in place of nothing where a file does not fit; the others are added.
    public mutating func add(files: [TorrentContent.HashedFile], now: Duration) -> (Bool, [SessionAction]) {
        var fits = true
        for file in files { fits = content?.add(file) == true && fits }
        return (fits, finish(now))
    }

    /// Pieces that are on disk and verified by other means, such as those of a file that was there before.
    public mutating func found(_ pieces: Range<Int>, now: Duration) -> [SessionAction] {
        for piece in pieces.clamped(to: 0..<have.count) where !have[piece] && verifying[piece] == nil {
            picker.unwant(piece)
            unproven.remove(piece)
            if picker.take(piece) != nil { actions.append(.release(PieceIndex(Int32(piece)))) }
            have[piece] = true
            if wanted[piece] { missingCount -= 1 }
            dropFromReaders(piece)
            for peer in connections.values where peer.isRunning && !peer.has(piece) { peer.send(.have(UInt32(piece))) }
            actions.append(.event(.pieceVerified(PieceIndex(Int32(piece)))))
        }
        becameCompleteIfSo(now)
        touchAll()
        return finish(now)
    }

    /// Sets what one reader waits for, first things first; an empty list takes the reader away.
    public mutating func read(_ reader: Int, pieces: [Int], now: Duration) -> [SessionAction] {
        let missing = pieces.prefix(Self.maximumReaderPieces).filter { $0 >= 0 && $0 < have.count && !have[$0] }
        readers[reader] = missing.isEmpty ? nil : missing
        markWanted(missing)
        rebuildReaderOrder()
        touchAll()
        return finish(now)
    }

    mutating func dropFromReaders(_ piece: Int) {
        guard !readers.isEmpty else { return }
        for reader in Array(readers.keys) {
            readers[reader]?.removeAll { $0 == piece }
            if readers[reader]?.isEmpty == true { readers[reader] = nil }
        }
        rebuildReaderOrder()
    }

    /// Readers take turns: first what each waits for now, then what each waits for next.
    private mutating func rebuildReaderOrder() {
        var order: [Int] = []
        var seen: Set<Int> = []
        let lists = readers.sorted { $0.key < $1.key }.map(\.value)
        for rank in 0..<(lists.map(\.count).max() ?? 0) where order.count < PiecePicker.readerWindow {
            for list in lists where rank < list.count && seen.insert(list[rank]).inserted { order.append(list[rank]) }
        }
        picker.readerOrder = order
        for peer in connections.values { peer.hasNothingNew = false }
    }

    /// Goes on after a failure of the storage.
    public mutating func resume(now: Duration) -> [SessionAction] {
        isPaused = false
        unreadable = [:]
        touchAll()
        return finish(now)
    }
}
