// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Seeding so that few bytes leave twice (BEP 16): we pose as a peer without pieces, and show each peer one piece after the
/// other, the rarest first; the next when somebody else announces what it was shown.
///
/// Memory: two bytes a piece.
struct SuperSeeding {
    /// Pieces of one peer whose spread is awaited at once: with one alone the line would rest between two.
    static let outstanding = 2
    /// A peer that has a piece and finds nobody to give it to gets another after this time.
    static let patience = Duration.seconds(20)
    /// One that does not even say that it has the piece gets another after this time.
    static let longPatience = Duration.seconds(60)
    /// Pieces that are looked at for the rarest.
    static let sample = 2048

    private var shown: [UInt16]

    init(pieceCount: Int) {
        shown = Array(repeating: 0, count: pieceCount)
    }

    /// The piece to show next: of those that the peer lacks the one that has been shown, and is held, least.
    mutating func next(
        for peer: PeerConnection,
        random: inout some RandomNumberGenerator,
        availability: (Int) -> Int
    ) -> Int? {
        guard !shown.isEmpty else { return nil }
        let start = Int.random(in: 0..<shown.count, using: &random)
        var best: (piece: Int, copies: Int)?
        var seen = 0
        for offset in shown.indices {
            let piece = (start + offset) % shown.count
            guard !peer.has(piece), !peer.revealed.contains(piece) else { continue }
            let copies = Int(shown[piece]) + availability(piece)
            if copies < best?.copies ?? .max { best = (piece, copies) }
            seen += 1
            if copies == 0 || seen == Self.sample { break }
        }
        if let piece = best?.piece, shown[piece] < .max { shown[piece] += 1 }
        return best?.piece
    }
}

extension TorrentSession {
    /// Shows the peer as many pieces as may be awaited at once.
    mutating func reveal(to peer: PeerConnection, _ now: Duration) {
        guard superSeeding != nil, peer.isRunning, !peer.hasAll, !peer.isUploadOnly else { return }
        while peer.awaited.count < SuperSeeding.outstanding {
            let order = picker.order
            guard
                let piece = superSeeding?.next(for: peer, random: &random, availability: { order.availability(of: $0) })
            else { return }
            peer.revealed.insert(piece)
            peer.awaited[piece] = now
            peer.send(.have(UInt32(piece)))
            touch(peer)
        }
    }

    /// Somebody has a piece: those who were shown it have passed it on.
    mutating func sawSpread(of piece: Int, at holder: PeerConnection, _ now: Duration) {
        guard superSeeding != nil else { return }
        for peer in connections.values where peer.id != holder.id && peer.awaited.removeValue(forKey: piece) != nil {
            reveal(to: peer, now)
        }
        // With nobody else about there is no one to pass it on.
        let others = connections.values.contains { $0.isRunning && $0.id != holder.id && !$0.hasAll }
        if !others, holder.awaited.removeValue(forKey: piece) != nil { reveal(to: holder, now) }
    }

    /// Once a second: nobody waits for ever on peers that share nothing.
    mutating func superSeedTick(_ peer: PeerConnection, _ now: Duration) {
        guard superSeeding != nil else { return }
        for (piece, time) in peer.awaited
        where now - time > (peer.has(piece) ? SuperSeeding.patience : SuperSeeding.longPatience) {
            peer.awaited[piece] = nil
        }
        reveal(to: peer, now)
    }
}
