// SPDX-License-Identifier: Apache-2.0

/// Decides who is served (BEP 3 "choking"), with the web's impatience: a free slot is given at once.
///
/// Every ``Choker/interval`` the slots go to the interested peers that give most (while we download) or take fastest (when
/// we have all); one slot, moved every third time, goes to someone else so that newcomers get a chance.
struct Choker: Sendable {
    static let interval = Duration.seconds(10)
    static let roundsPerOptimistic = 3

    struct Candidate: Equatable, Sendable {
        var id: ConnectionID
        var isUnchoked: Bool
        /// Bytes a second in the direction that counts now.
        var rate: Int
    }

    /// Most peers that are served at once: none, or at least 2.
    let slots: Int
    private var round = 0
    private var optimistic: ConnectionID?

    init(slots: Int) {
        self.slots = slots <= 0 ? 0 : max(2, slots)
    }

    /// Whether one who has just become interested is served at once.
    func hasFreeSlot(unchoked: Int) -> Bool { unchoked < slots }

    /// The set to be served from now on.
    ///
    /// `candidates`: the peers that are interested.
    mutating func rechoke(
        _ candidates: [Candidate],
        random: inout some RandomNumberGenerator
    ) -> Set<ConnectionID> {
        round += 1
        guard slots > 0 else { return [] }
        guard candidates.count > slots else { return Set(candidates.map(\.id)) }
        let ranked = candidates.sorted {
            ($0.rate, $0.isUnchoked ? 1 : 0, $1.id) > ($1.rate, $1.isUnchoked ? 1 : 0, $0.id)
        }
        var chosen = Set(ranked.prefix(slots - 1).map(\.id))
        let others = ranked.dropFirst(slots - 1)
        let keepsOptimistic = !round.isMultiple(of: Self.roundsPerOptimistic) && others.contains { $0.id == optimistic }
        if !keepsOptimistic { optimistic = others.randomElement(using: &random)?.id }
        if let optimistic { chosen.insert(optimistic) }
        return chosen
    }
}
