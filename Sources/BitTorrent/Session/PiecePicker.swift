// SPDX-License-Identifier: Apache-2.0
internal import DequeModule

/// Chooses the next block to ask a peer for.
///
/// In this order: what a reader waits for; the peer's own open piece; open pieces whose owner has gone or stopped; a new
/// piece, rarest first; blocks of other peers' pieces; and when nothing is left to start, blocks that others owe us (end
/// game). Constant time but for peers that lack most pieces. Memory: 18 bytes a piece, and the open pieces.
struct PiecePicker {
    /// An open piece that makes no progress for this long is helped by others.
    static let stallTime = Duration.seconds(2)
    /// Blocks of a reader's pieces are asked for twice after this time.
    static let readerPatience = Duration.milliseconds(500)
    static let maximumDuplicates: UInt8 = 2
    static let endGameBatch = 8
    /// A piece that so many have is not rare: seeds that are to be spared are not asked for it.
    static let commonAvailability = 2
    /// How many of the pieces that readers wait for are looked at.
    static let readerWindow = 64

    // Changed by this type alone, which continues in `PiecePicker+Runs.swift`.
    var order: RarityOrder
    var open: [Int: OpenPiece] = [:]
    /// Open pieces with blocks that nobody was asked for.
    var partial: [Int] = []
    /// Bytes of open pieces.
    var openBytes = 0
    /// What readers wait for, first things first.
    var readerOrder: [Int] = []
    /// A piece that must come from one peer, since it failed before.
    var singleSource: Set<Int> = []
    /// Who let such a piece lie: all others are to try it first. One alone would not do: two who let it lie would be given it
    /// by turns, for ever. For each such piece at most the connections that there are.
    private var avoided: [Int: Set<ConnectionID>] = [:]
    /// Such pieces that were let lie since ``forgetAvoided()``.
    private var justLeft: Set<Int> = []

    init(pieceCount: Int) {
        order = RarityOrder(pieceCount: pieceCount)
    }

    // MARK: Pieces

    mutating func want(_ piece: Int) { if open[piece] == nil { order.insert(piece) } }
    mutating func unwant(_ piece: Int) { order.remove(piece) }
    mutating func peerGained(_ piece: Int) { order.increment(piece) }
    mutating func peerLost(_ piece: Int) { order.decrement(piece) }
    mutating func requireSingleSource(_ piece: Int) { singleSource.insert(piece) }

    /// The piece is whole: it is taken out, with the record of who sent what.
    mutating func take(_ piece: Int) -> OpenPiece? {
        guard let taken = open.removeValue(forKey: piece) else { return nil }
        openBytes -= taken.length
        removePartial(piece)
        return taken
    }

    mutating func forgetSingleSource(_ piece: Int) {
        singleSource.remove(piece)
        avoided[piece] = nil
    }

    /// From time to time. What nobody took since the last time may be tried again by those who let it lie.
    mutating func forgetAvoided() {
        avoided = avoided.filter { piece, _ in open[piece] != nil || justLeft.contains(piece) }
        justLeft = []
    }

    private mutating func removePartial(_ piece: Int) {
        if let index = partial.firstIndex(of: piece) { partial.swapAt(index, partial.count - 1); partial.removeLast() }
    }

    // MARK: Blocks

    /// The next block to ask `peer` for, marked as asked.
    mutating func next(for peer: PeerConnection, in situation: PickSituation) -> (piece: Int, block: Int)? {
        if let block = nextForReaders(peer, in: situation) { return block }
        if let piece = peer.currentPiece, let block = takeMissing(piece) { return (piece, block) }
        peer.currentPiece = nil
        if let choice = takeLeft(for: peer, in: situation) { return choice }
        if let piece = nextToOpen(for: peer, in: situation) {
            openPiece(piece, for: peer, length: situation.length(of: piece), now: situation.now)
            if let block = takeMissing(piece) { return (piece, block) }
        }
        return situation.isSpared ? nil : takePartial(for: peer, where: { _, _ in true })
    }

    /// Of a piece whose owner has gone or stopped.
    private mutating func takeLeft(
        for peer: PeerConnection,
        in situation: PickSituation
    ) -> (piece: Int, block: Int)? {
        guard !partial.isEmpty else { return nil }
        let (now, isSpared) = (situation.now, situation.isSpared)
        return takePartial(
            for: peer,
            where: { owned, isCommon in
                now - owned.lastProgress > Self.stallTime
                    || !(isSpared && isCommon) && (owned.owner == peer.id || !situation.isActive(owned.owner))
            }
        )
    }

    private func isAvoided(_ piece: Int, _ peer: PeerConnection) -> Bool {
        avoided[piece]?.contains(peer.id) ?? false
    }

    private func mayRequest(_ piece: Int, from peer: PeerConnection) -> Bool {
        peer.has(piece) && (!peer.isChokingUs || peer.allowedFast.contains(piece))
    }

    private mutating func nextToOpen(
        for peer: PeerConnection,
        in situation: PickSituation
    ) -> Int? {
        let (budget, isSpared) = (situation.budget, situation.isSpared)
        guard !order.isEmpty, !peer.hasNothingNew else { return nil }
        guard let piece = order.first(where: { mayRequest($0, from: peer) && !isAvoided($0, peer) }) else {
            // Until the peer announces something, or a piece comes back, there is no need to look again.
            peer.hasNothingNew = true
            return nil
        }
        guard openBytes + situation.length(of: piece) <= budget else { return nil }
        // What the peer would like to send (BEP 6), where it is about as rare.
        let suggestion = peer.suggested.first {
            order.contains($0) && mayRequest($0, from: peer) && !isAvoided($0, peer)
                && order.availability(of: $0) <= order.availability(of: piece) + 1
                && openBytes + situation.length(of: $0) <= budget
        }
        if let suggestion, !isSpared { return suggestion }
        // The first is the rarest.
        if isSpared, order.availability(of: piece) >= Self.commonAvailability { return nil }
        return piece
    }

    private mutating func openPiece(_ piece: Int, for peer: PeerConnection, length: Int, now: Duration) {
        order.remove(piece)
        let opened = OpenPiece(piece: piece, length: length, owner: peer.id, now: now)
        if singleSource.contains(piece) { opened.exclusiveTo = peer.id }
        open[piece] = opened
        openBytes += length
        partial.append(piece)
        peer.currentPiece = piece
    }

    mutating func takeMissing(_ piece: Int) -> Int? {
        guard let opened = open[piece], let block = opened.takeMissing() else { return nil }
        if opened.missingCount == 0 { removePartial(piece) }
        return block
    }

    /// `condition`: of the piece, and of whether somebody has it besides seeds.
    private mutating func takePartial(
        for peer: PeerConnection,
        where condition: (OpenPiece, _ isCommon: Bool) -> Bool
    ) -> (piece: Int, block: Int)? {
        for piece in partial where mayRequest(piece, from: peer) {
            guard let candidate = open[piece], candidate.isOpen(to: peer.id),
                condition(candidate, order.availability(of: piece) > 0),
                let block = takeMissing(piece)
            else { continue }
            return (piece, block)
        }
        return nil
    }

    private mutating func nextForReaders(
        _ peer: PeerConnection,
        in situation: PickSituation
    ) -> (piece: Int, block: Int)? {
        guard !readerOrder.isEmpty else { return nil }
        let now = situation.now
        for piece in readerOrder.prefix(Self.readerWindow) where mayRequest(piece, from: peer) {
            if let candidate = open[piece] {
                guard candidate.isOpen(to: peer.id) else { continue }
                if let block = takeMissing(piece) { return (piece, block) }
                if now - candidate.lastProgress > Self.readerPatience, let block = duplicate(candidate, for: peer) {
                    return (piece, block)
                }
            } else if order.contains(piece), !isAvoided(piece, peer) {
                // Readers come before the budget: what they wait for is little.
                openPiece(piece, for: peer, length: situation.length(of: piece), now: now)
                if let block = takeMissing(piece) { return (piece, block) }
            }
        }
        return nil
    }

    /// Blocks that others owe us, for a peer that has nothing else to do, when no piece is left to start.
    mutating func endGame(for peer: PeerConnection) -> [(piece: Int, block: Int)] {
        guard order.isEmpty else { return [] }
        var chosen: [(piece: Int, block: Int)] = []
        for piece in open.keys.sorted() where mayRequest(piece, from: peer) {
            while chosen.count < Self.endGameBatch, let candidate = open[piece],
                candidate.isOpen(to: peer.id), let block = duplicate(candidate, for: peer)
            {
                chosen.append((piece, block))
            }
            if chosen.count == Self.endGameBatch { break }
        }
        return chosen
    }

    private func duplicate(_ candidate: OpenPiece, for peer: PeerConnection) -> Int? {
        let own = Set(peer.requests.lazy.filter { $0.piece == candidate.piece }.map { Int($0.block) })
        let block = candidate.blocks.indices.first { number in
            let block = candidate.blocks[number]
            return block.state == .requested && block.requests < Self.maximumDuplicates
                && !own.contains(number) && block.sender != peer.id
        }
        guard let block else { return nil }
        candidate.markRequested(block)
        candidate.noteDuplicate(block, to: peer.id)
        return block
    }

    // MARK: What peers do

    mutating func requestEnded(piece: Int, block: Int, by connection: ConnectionID) {
        guard let opened = open[piece], block < opened.blocks.count else { return }
        let before = opened.missingCount
        opened.requestEnded(block, by: connection)
        if before == 0, opened.missingCount > 0 { partial.append(piece) }
    }

    mutating func beginReceiving(piece: Int, block: Int, from connection: ConnectionID, now: Duration) -> Bool {
        guard let opened = open[piece], opened.isOpen(to: connection) else { return false }
        let wasMissing = opened.missingCount
        // Who stops in the middle of a block must not hold it.
        let canTakeOver = now - opened.lastProgress > Self.stallTime
        let isKept = opened.beginReceiving(block, from: connection, canTakeOver: canTakeOver)
        if wasMissing > 0, opened.missingCount == 0 { removePartial(piece) }
        return isKept
    }

    func isReceiving(piece: Int, block: Int, from connection: ConnectionID) -> Bool {
        open[piece]?.isReceiving(block, from: connection) ?? false
    }

    func finishReceiving(piece: Int, block: Int, now: Duration) {
        open[piece]?.finishReceiving(block, now: now)
    }

    /// An open piece is given up as it is: nothing of it is kept.
    mutating func abandon(_ piece: Int) -> Bool {
        guard let taken = take(piece) else { return false }
        if let peer = taken.exclusiveTo {
            avoided[piece, default: []].insert(peer)
            justLeft.insert(piece)
        }
        order.insert(piece)
        return true
    }

    /// Gives an exclusive piece back when the peer that had to fill it is gone.
    mutating func connectionEnded(_ connection: ConnectionID) -> [Int] {
        let stuck = open.values.filter { $0.exclusiveTo == connection }.map(\.piece).sorted()
        let left = stuck.filter { abandon($0) }
        // It does not come back under its number.
        for piece in avoided.keys { avoided[piece]?.remove(connection) }
        return left
    }
}
