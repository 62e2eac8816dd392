// SPDX-License-Identifier: Apache-2.0

/// What the choice of a block depends on besides the pieces; made once for all blocks that one peer is asked for.
struct PickSituation {
    /// Bytes that open pieces may take together.
    var budget: Int
    var now: Duration
    /// The peer is asked only for what is rare, or what others let lie.
    var isSpared = false
    /// Whether all seeds are.
    var sparesSeeds = false
    var content: TorrentContent
    var connections: ConnectionTable

    /// Bytes of a piece that is to be opened.
    func length(of piece: Int) -> Int { content.dataLength(of: piece) ?? 0 }

    /// Whether a connection still downloads.
    func isActive(_ owner: ConnectionID) -> Bool {
        guard let owner = connections[owner] else { return false }
        return !owner.isStalled && !owner.isChokingUs && !(sparesSeeds && owner.hasAll)
    }
}
