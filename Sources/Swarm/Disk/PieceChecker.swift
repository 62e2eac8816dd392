// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
internal import Dispatch
internal import Keys
internal import Synchronization

/// Hashes what is on disk, with all cores.
public enum PieceChecker {
    private struct State {
        var next = 0
        var done = 0
        var verified: Bitfield
    }

    private static let bytesAtOnce = 1 << 20
    /// Of all pieces that are in memory at once, but for one that is always allowed.
    private static let memory = 128 << 20
    /// Of pieces that one thread hashes together.
    private static let bytesTogether = 4 << 20

    /// Which of `pieces` are there and right. Blocks until all are read; a piece that cannot be read counts as absent.
    ///
    /// `threads`: each has 4 MiB in memory at most, or one piece; they are fewer where pieces are long.
    /// `progress`: told the number of pieces done and in all, from any thread.
    public static func check(
        _ pieces: [PieceIndex],
        of content: TorrentContent,
        in storage: any PieceStorage,
        threads: Int,
        progress: (@Sendable (Int, Int) -> Void)? = nil
    ) -> Bitfield {
        let pieceLength = max(content.pieceLength, 1)
        let threads = max(1, min(threads, memory / pieceLength))
        let together = max(1, min(Hash.lanes, bytesTogether / pieceLength))
        // Small pieces are taken several at a time: else threads wait for each other more than they hash.
        let piecesAtOnce = max(together, min(bytesAtOnce / pieceLength, pieces.count / (threads * 8)))
        let state = Mutex(State(verified: Bitfield(count: content.pieceCount)))
        DispatchQueue.concurrentPerform(iterations: max(1, min(threads, pieces.count))) { _ in
            let buffers = (0..<together).map { _ in PieceBuffer(capacity: pieceLength) }
            while true {
                let part = state.withLock { state in
                    let start = min(state.next, pieces.count)
                    state.next = min(start + piecesAtOnce, pieces.count)
                    return start..<state.next
                }
                guard !part.isEmpty else { return }
                var right: [PieceIndex] = []
                for start in stride(from: part.lowerBound, to: part.upperBound, by: together) {
                    let set = pieces[start..<min(start + together, part.upperBound)]
                    right += check(set, content, storage, buffers)
                }
                let done = state.withLock { state in
                    for piece in right { state.verified[Int(piece.raw)] = true }
                    state.done += part.count
                    return state.done
                }
                progress?(done, pieces.count)
            }
        }
        return state.withLock { $0.verified }
    }

    /// Those of `pieces`, no more than there are buffers, that are right.
    private static func check(
        _ pieces: ArraySlice<PieceIndex>,
        _ content: TorrentContent,
        _ storage: any PieceStorage,
        _ buffers: [PieceBuffer]
    ) -> [PieceIndex] {
        var read: [(check: PieceCheck, buffer: PieceBuffer)] = []
        for piece in pieces {
            let buffer = buffers[read.count]
            guard let check = content.check(of: Int(piece.raw)), check.dataLength <= buffer.capacity else { continue }
            let isRead = buffer.withMutableBytes(check.dataLength) { PieceWorker.read(piece, into: &$0, storage) }
            if isRead { read.append((check, buffer)) }
        }
        return zip(read, PieceWorker.sha1(of: read)).compactMap { piece, sha1 in
            let (check, buffer) = piece
            let isRight = buffer.withBytes(check.dataLength) { PieceWorker.verify(check, $0, sha1: sha1).isRight }
            return isRight ? check.piece : nil
        }
    }
}
