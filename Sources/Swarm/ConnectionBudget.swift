// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// The connections that all torrents of a swarm may have together.
final class ConnectionBudget: Sendable {
    /// Room for one connection, given back with the last reference.
    final class Place: Sendable {
        private let budget: ConnectionBudget

        fileprivate init(budget: ConnectionBudget) { self.budget = budget }

        deinit { budget.used.subtract(1, ordering: .relaxed) }
    }

    private let used = Atomic(0)
    private let limit: Atomic<Int>

    init(limit: Int) {
        self.limit = Atomic(limit)
    }

    /// Connections that are there stay, also where they are more.
    func setLimit(_ limit: Int) { self.limit.store(limit, ordering: .relaxed) }

    /// Places taken, and how many there are.
    var load: (used: Int, bound: Int) { (used.load(ordering: .relaxed), limit.load(ordering: .relaxed)) }

    /// Nil where there is no room.
    func take() -> Place? {
        guard used.add(1, ordering: .relaxed).newValue <= limit.load(ordering: .relaxed) else {
            used.subtract(1, ordering: .relaxed)
            return nil
        }
        return Place(budget: self)
    }
}
