// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
internal import Dispatch
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

    /// Which of `pieces` are there and right. Blocks until all are read; a piece that cannot be read counts as absent.
    ///
    /// `threads`: at most this many pieces are in memory at once, and fewer where they are long.
    /// `progress`: told the number of pieces done and in all, from any thread.
    public static func check(
        _ pieces: [PieceIndex],
        of content: TorrentContent,
        in storage: any PieceStorage,
        threads: Int,
        progress: (@Sendable (Int, Int) -> Void)? = nil
    ) -> Bitfield {
        let threads = max(1, min(threads, memory / max(content.pieceLength, 1)))
        // Small pieces are taken several at a time: else threads wait for each other more than they hash.
        let piecesAtOnce = max(1, min(bytesAtOnce / max(content.pieceLength, 1), pieces.count / (threads * 8)))
        let state = Mutex(State(verified: Bitfield(count: content.pieceCount)))
        DispatchQueue.concurrentPerform(iterations: max(1, min(threads, pieces.count))) { _ in
            let buffer = PieceBuffer(capacity: max(content.pieceLength, 1))
            while true {
                let part = state.withLock { state in
                    let start = min(state.next, pieces.count)
                    state.next = min(start + piecesAtOnce, pieces.count)
                    return start..<state.next
                }
                guard !part.isEmpty else { return }
                let right = part.filter { check(pieces[$0], content, storage, buffer) }
                let done = state.withLock { state in
                    for index in right { state.verified[Int(pieces[index].raw)] = true }
                    state.done += part.count
                    return state.done
                }
                progress?(done, pieces.count)
            }
        }
        return state.withLock { $0.verified }
    }

    private static func check(
        _ piece: PieceIndex,
        _ content: TorrentContent,
        _ storage: any PieceStorage,
        _ buffer: PieceBuffer
    ) -> Bool {
        guard let check = content.check(of: Int(piece.raw)), check.dataLength <= buffer.capacity else { return false }
        let isRead = buffer.withMutableBytes(check.dataLength) { PieceWorker.read(piece, into: &$0, storage) }
        return isRead && buffer.withBytes(check.dataLength) { PieceWorker.verify(check, $0).isRight }
    }
}
