// SPDX-License-Identifier: Apache-2.0

/// The pieces that are still to be started, rarest first, kept in order while peers come, go and announce pieces.
///
/// Pieces lie in one array sorted by how many peers have them; a change of one moves a piece across the border of two
/// neighbouring groups, so it costs one swap. Adding and removing costs a swap for each group above. Within a group the
/// order is the shuffled one of the start. Memory: 10 bytes a piece.
struct RarityOrder {
    private static let absent: Int32 = -1

    /// Peers that have the piece; counted for all pieces, in the order or not.
    private var availability: [UInt16]
    private var order: [Int32] = []
    /// Where a piece stands in `order`, or `absent`.
    private var position: [Int32]
    /// Where in `order` the group of each availability starts. The group of the last entry reaches to the end.
    private var groups: [Int] = [0]

    init(pieceCount: Int) {
        availability = Array(repeating: 0, count: pieceCount)
        position = Array(repeating: Self.absent, count: pieceCount)
    }

    var isEmpty: Bool { order.isEmpty }
    var count: Int { order.count }
    /// Pieces of the torrent.
    var pieceCount: Int { position.count }

    /// Peers that have the piece, seeds not counted.
    func availability(of piece: Int) -> Int { Int(availability[piece]) }

    func contains(_ piece: Int) -> Bool { position[piece] != Self.absent }

    /// The first piece, rarest first, for which `isWanted`.
    func first(where isWanted: (Int) -> Bool) -> Int? {
        for piece in order where isWanted(Int(piece)) { return Int(piece) }
        return nil
    }

    mutating func insert(_ piece: Int) {
        guard !contains(piece) else { return }
        let group = Int(availability[piece])
        growGroups(to: group)
        order.append(Int32(piece))
        position[piece] = Int32(order.count - 1)
        // The new piece stands in the highest group; step down into its own.
        var current = groups.count - 1
        while current > group {
            swap(Int(position[piece]), groups[current])
            groups[current] += 1
            current -= 1
        }
    }

    mutating func remove(_ piece: Int) {
        guard contains(piece) else { return }
        for group in Int(availability[piece])..<groups.count {
            let last = endOfGroup(group) - 1
            swap(Int(position[piece]), last)
            if group + 1 < groups.count { groups[group + 1] -= 1 }
        }
        order.removeLast()
        position[piece] = Self.absent
    }

    mutating func increment(_ piece: Int) {
        let group = Int(availability[piece])
        guard group < Int(UInt16.max) else { return }
        availability[piece] += 1
        guard contains(piece) else { return }
        growGroups(to: group + 1)
        swap(Int(position[piece]), endOfGroup(group) - 1)
        groups[group + 1] -= 1
    }

    mutating func decrement(_ piece: Int) {
        let group = Int(availability[piece])
        guard group > 0 else { return }
        availability[piece] -= 1
        guard contains(piece) else { return }
        swap(Int(position[piece]), groups[group])
        groups[group] += 1
    }

    private func endOfGroup(_ group: Int) -> Int { group + 1 < groups.count ? groups[group + 1] : order.count }

    private mutating func growGroups(to group: Int) {
        while groups.count <= group { groups.append(order.count) }
    }

    private mutating func swap(_ left: Int, _ right: Int) {
        guard left != right else { return }
        order.swapAt(left, right)
        position[Int(order[left])] = Int32(left)
        position[Int(order[right])] = Int32(right)
    }
}
