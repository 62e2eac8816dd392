// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Synchronization

/// Pieces of one torrent that wait to be hashed and written, and how many threads work on them.
///
/// They are taken in sets: pieces that are hashed together cost half of what each costs alone (``Keys/Hash/lanes``), and small
/// ones less than handing them over does. A second thread comes only when a whole set waits, so that a fast download fills sets,
/// and fewer threads are woken and write to one file at once. What waits is bounded as ``DiskPool`` says.
final class PieceQueue: Sendable {
    /// One piece to be verified, and who wants to know.
    struct Entry: Sendable {
        var check: PieceCheck
        var buffer: PieceBuffer
        var storage: any PieceStorage
        var results: DiskResults
    }

    /// When a set is full.
    struct Fill {
        /// As many as are hashed at once.
        static let pieces = 4
        /// Long pieces do not wait for each other.
        static let bytes = 4 << 20
        /// Short ones go on up to here.
        static let smallPieces = 64
        static let smallBytes = 1 << 19

        private(set) var count = 0
        private(set) var sum = 0

        var isFull: Bool {
            sum >= Self.bytes || count >= Self.smallPieces || (count >= Self.pieces && sum >= Self.smallBytes)
        }

        mutating func add(_ piece: Int) {
            count += 1
            sum += piece
        }
    }

    private struct State {
        var waiting: [Entry] = []
        /// Threads that were called and have not finished.
        var threads = 0
        /// Of these, those that have not taken their set yet.
        var called = 0
    }

    /// At most this many threads, 1 or more.
    let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = max(1, limit) }

    /// Takes pieces in.
    ///
    /// - Returns: how many threads are to be called, each of which is to ``take()`` a set and say when it has ``finished()``.
    func add(_ entries: [Entry]) -> Int {
        state.withLock { state in
            state.waiting += entries
            let sets = Self.fullSets(of: state.waiting, atMost: limit)
            let first = state.threads == 0 && !entries.isEmpty ? 1 : 0
            let more = max(0, min(limit - state.threads, max(sets - state.called, first)))
            state.threads += more
            state.called += more
            return more
        }
    }

    /// The set of a thread that was called; empty where others have taken everything.
    func take() -> [Entry] {
        state.withLock { state in
            state.called -= 1
            var fill = Fill()
            while fill.count < state.waiting.count, !fill.isFull {
                fill.add(state.waiting[fill.count].check.dataLength)
            }
            let set = Array(state.waiting.prefix(fill.count))
            state.waiting.removeFirst(fill.count)
            return set
        }
    }

    /// A thread is done with its set.
    ///
    /// - Returns: whether it is to be called again, behind others who want a thread.
    func finished() -> Bool {
        state.withLock { state in
            let isCalled = !state.waiting.isEmpty
            if isCalled { state.called += 1 } else { state.threads -= 1 }
            return isCalled
        }
    }

    private static func fullSets(of entries: [Entry], atMost limit: Int) -> Int {
        var (sets, fill) = (0, Fill())
        for entry in entries {
            fill.add(entry.check.dataLength)
            guard fill.isFull else { continue }
            (sets, fill) = (sets + 1, Fill())
            guard sets < limit else { break }
        }
        return sets
    }
}
