// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent

/// What `SwarmService` and `ReleaseGaps` of `Node` do where the disk does not give back what it was given.
extension SwarmProgram {
    /// Whole files are read again and hashed.
    private static let longestLook = Duration.seconds(3)

    /// A read has failed, and the session offers the piece no longer: its bytes are compared with their hash.
    func lookLater(into piece: Int) {
        failedReads += 1
        let world = host.world
        var random = world.stream("looks of \(host.index)", failedReads)
        let time = world.now + random.time(below: Self.longestLook)
        world.plan(.disk, of: host, at: time, content: UInt64(piece)) { [weak self] in self?.look(into: piece) }
    }

    /// What is sound after all is offered again; what is not, or cannot be read, is set aside and comes from others.
    private func look(into piece: Int) {
        guard !session.have[piece] else { return }
        if disk.read(piece, 0..<torrent.pieces[piece].count) == torrent.pieces[piece] { return found(piece) }
        disk.setAside(piece)
        perform(session.want(piece..<piece + 1, now: host.now), [])
    }

    // MARK: - Readers

    /// Somebody reads everything in the minute after a start.
    func readEverything() {
        let world = host.world
        var random = world.stream("readers of \(host.index)", Int(host.incarnation))
        for piece in torrent.pieces.indices { show(piece, after: random.time(below: .seconds(60))) }
    }

    private func show(_ piece: Int, after delay: Duration) {
        let world = host.world
        world.plan(.disk, of: host, at: world.now + delay, content: UInt64(piece)) { [weak self] in self?.show(piece) }
    }

    /// As `CheckedReader` of `Node` does: a piece is hashed before a byte of it is shown. One that is not what it was goes, is
    /// offered no longer, and comes from others.
    private func show(_ piece: Int) {
        guard session.have[piece] else { return }
        if disk.isFailing { return show(piece, after: .seconds(5)) }
        guard disk.read(piece, 0..<torrent.pieces[piece].count) != torrent.pieces[piece] else { return }
        disk.setAside(piece)
        perform(session.lost(CollectionOfOne(piece), now: host.now), [])
        perform(session.want(piece..<piece + 1, now: host.now), [])
    }

    private func found(_ piece: Int) { perform(session.found(piece..<piece + 1, now: host.now), []) }

    /// A publisher's pieces come again from its folder.
    func mendFromFolder() {
        for piece in torrent.pieces.indices where !session.have[piece] {
            if disk.write(piece, torrent.pieces[piece]) { found(piece) }
        }
    }
}
