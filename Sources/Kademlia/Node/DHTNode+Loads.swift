// SPDX-License-Identifier: Apache-2.0
internal import OrderedCollections

/// One of a node's stores or queues: how full it is, and how full it can be.
public struct DHTLoad: Equatable, Sendable {
    /// Such as `items` or `commands`.
    public var name: String
    /// Entries now.
    public var used: Int
    /// The most there can be.
    public var bound: Int
}

extension DHTNode {
    /// What is kept for others and for us, and what is under way.
    public var loads: [DHTLoad] {
        var loads: [DHTLoad] = []
        visitLoads { loads.append(DHTLoad(name: $0.description, used: $1, bound: $2)) }
        return loads
    }

    /// The first of ``loads`` that is above its bound. Some comparisons and no allocation: the simulator asks after each event.
    package var overload: DHTLoad? {
        var first: DHTLoad?
        visitLoads { name, used, bound in
            guard used > bound, first == nil else { return }
            first = DHTLoad(name: name.description, used: used, bound: bound)
        }
        return first
    }

    private func visitLoads(_ visit: (_ name: StaticString, _ used: Int, _ bound: Int) -> Void) {
        visit("items", itemCount, configuration.maximumItems)
        visit("announces", peerCount, configuration.maximumPeers)
        visit("publications", schedule.entries.count, configuration.maximumPublications)
        visit("commands", operations.count, configuration.maximumOperations)
        zone?.visitLoads(visit)
    }
}
