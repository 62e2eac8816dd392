// SPDX-License-Identifier: Apache-2.0

/// Whole pieces for web seeds, as many in a row as possible: each request of HTTP costs the server a line in its log.
extension PiecePicker {
    /// What `seed` is to fetch next, all its blocks marked as asked: pieces nobody has begun, from where it stands or from the
    /// rarest on; else one that somebody left; else one that does not get on.
    ///
    /// `budget`: bytes that open pieces may take together.
    /// `limit`: bytes of the run, but for a single piece.
    mutating func takeRun(
        for seed: WebSeedConnection,
        budget: Int,
        limit: Int,
        now: Duration,
        length: (Int) -> Int
    ) -> Range<Int>? {
        if let first = firstOfRun(for: seed) {
            let room = min(limit, budget - openBytes)
            guard openBytes + length(first) <= budget else { return nil }
            var end = first
            var bytes = 0
            while end < order.pieceCount, order.contains(end), !seed.lacks(end),
                bytes + length(end) <= room || end == first
            {
                // A piece that failed before comes alone, so that nothing else waits for its end.
                guard end == first || !singleSource.contains(end) else { break }
                bytes += length(end)
                begin(end, for: seed, length(end), now)
                end += 1
            }
            return first..<end
        }
        return takeLeft(for: seed) ?? takeStuck(for: seed, now)
    }

    private func firstOfRun(for seed: WebSeedConnection) -> Int? {
        if let wanted = readerOrder.prefix(Self.readerWindow).first(where: { order.contains($0) && !seed.lacks($0) }) {
            return wanted
        }
        guard !order.isEmpty else { return nil }
        if seed.cursor < order.pieceCount, order.contains(seed.cursor), !seed.lacks(seed.cursor) { return seed.cursor }
        return order.first { !seed.lacks($0) }
    }

    private mutating func begin(_ piece: Int, for seed: WebSeedConnection, _ length: Int, _ now: Duration) {
        order.remove(piece)
        let opened = OpenPiece(piece: piece, length: length, owner: seed.id, now: now)
        if singleSource.contains(piece) { opened.exclusiveTo = seed.id }
        while opened.takeMissing() != nil {}
        open[piece] = opened
        openBytes += length
    }

    /// A piece of which somebody was asked for a part only.
    private mutating func takeLeft(for seed: WebSeedConnection) -> Range<Int>? {
        guard let piece = partial.first(where: { mayTake($0, seed) }) else { return nil }
        while takeMissing(piece) != nil {}
        return piece..<piece + 1
    }

    /// A piece that others were asked for and that has not grown for a while.
    private mutating func takeStuck(for seed: WebSeedConnection, _ now: Duration) -> Range<Int>? {
        let candidates = open.values.filter { piece in
            piece.owner != seed.id && now - piece.lastProgress > Self.stallTime && mayTake(piece.piece, seed)
                && !seed.runs.contains { $0.pieces.contains(piece.piece) }
                && piece.blocks.contains { $0.requests < Self.maximumDuplicates }
        }
        guard let stuck = candidates.min(by: { $0.piece < $1.piece }) else { return nil }
        for block in stuck.blocks.indices where stuck.blocks[block].state == .requested { stuck.markRequested(block) }
        return stuck.piece..<stuck.piece + 1
    }

    private func mayTake(_ piece: Int, _ seed: WebSeedConnection) -> Bool {
        guard let candidate = open[piece], !seed.lacks(piece) else { return false }
        return candidate.isOpen(to: seed.id)
    }
}
