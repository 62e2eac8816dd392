// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Swarm
internal import Synchronization

/// Watches a torrent for one fetch: passes pieces on to the places that are alike, and wakes who waits for the end.
final class FetchWatch: Sendable {
    private struct State {
        var failedPiece: PieceIndex?
        var hasNews = false
    }

    private let torrent: Torrent
    private let copies: [Int: [Int]]
    private let state = Mutex(State())

    /// `copies`: by piece, the pieces that hold the same bytes.
    init(_ torrent: Torrent, copies: [Int: [Int]]) {
        self.torrent = torrent
        self.copies = copies
    }

    /// A piece that could not be written, if there was one.
    var failedPiece: PieceIndex? { state.withLock { $0.failedPiece } }

    /// On the torrent's event loop.
    func receive(_ event: SessionEvent) {
        switch event {
        case .pieceVerified(let piece): found(Int(piece.raw))
        case .storageFailed(let piece):
            state.withLock {
                $0.failedPiece = piece
                $0.hasNews = true
            }
        case .complete: state.withLock { $0.hasNews = true }
        default: break
        }
    }

    func found(_ piece: Int) {
        for copy in copies[piece] ?? [] { torrent.found(pieces: copy..<copy + 1) }
    }

    /// Returns at the end of the download, or after `interval`.
    func wait(atMost interval: Duration) async throws {
        let end = ContinuousClock.now + interval
        while ContinuousClock.now < end {
            let hasNews = state.withLock { state in
                defer { state.hasNews = false }
                return state.hasNews
            }
            if hasNews { return }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
