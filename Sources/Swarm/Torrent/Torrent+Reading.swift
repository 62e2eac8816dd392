// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
internal import NIOCore
internal import NIOPosix

/// Bytes of a torrent for those who wait for them.
extension Torrent {
    /// The bytes of a range of a piece, asked for before everything else that is downloading.
    ///
    /// Returns when the piece is verified. Cancellation gives up the wish, not the download.
    public func read(_ piece: PieceIndex, offset: Int, count: Int) async throws -> [UInt8] {
        try await waitFor(pieces: [Int(piece.raw)])
        guard let storage = await ask({ $0.storage }) ?? nil else { throw Failure.stopped }
        return try await readFile(storage, piece, offset, count)
    }

    /// Waits until all pieces are verified; they are downloaded in this order, before anything that nobody waits for.
    public func waitFor(pieces: [Int]) async throws {
        let number = takeNumber()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                loop.execute { self.beginWaiting(number, pieces, continuation) }
            }
        } onCancel: {
            loop.execute { self.endWaiting(number, throwing: CancellationError()) }
        }
    }

    private func beginWaiting(_ number: Int, _ pieces: [Int], _ continuation: CheckedContinuation<Void, any Error>) {
        guard let driver = driver.value else { return continuation.resume(throwing: Failure.stopped) }
        let isInRange = driver.inspect { session in
            pieces.allSatisfy { $0 >= 0 && $0 < session.pieceCount ?? 0 }
        }
        guard isInRange else { return continuation.resume(throwing: Failure.outOfRange) }
        let missing = driver.inspect { session in pieces.filter { !session.have[$0] } }
        guard !missing.isEmpty else { return continuation.resume() }
        waiters.value[number] = Waiter(pieces: Set(missing), continuation: continuation)
        driver.update { $0.read(number, pieces: missing, now: $1) }
    }

    private func endWaiting(_ number: Int, throwing error: any Error) {
        guard let waiter = waiters.value.removeValue(forKey: number) else { return }
        driver.value?.update { $0.read(number, pieces: [], now: $1) }
        waiter.continuation.resume(throwing: error)
    }

    func resolve(_ piece: Int) {
        for (number, waiter) in waiters.value where waiter.pieces.contains(piece) {
            waiters.value[number]?.pieces.remove(piece)
            if waiter.pieces.count == 1 {
                waiters.value[number] = nil
                waiter.continuation.resume()
            }
        }
    }

    func failWaiters(_ failure: Failure) {
        let all = waiters.value
        waiters.value = [:]
        for waiter in all.values { waiter.continuation.resume(throwing: failure) }
    }

    private func readFile(
        _ storage: any PieceStorage,
        _ piece: PieceIndex,
        _ offset: Int,
        _ count: Int
    ) async throws -> [UInt8] {
        guard let disk = await ask({ $0.diskThreads }) else { throw Failure.stopped }
        return try await disk.runIfActive {
            var bytes = [UInt8](repeating: 0, count: count)
            var span = bytes.mutableSpan
            // SAFETY: the bytes of the array, used before it is returned.
            var raw = unsafe span.mutableBytes
            try storage.read(piece, offset: offset, into: &raw)
            return bytes
        }
    }
}
