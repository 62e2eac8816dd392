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
        [
            DHTLoad(name: "items", used: itemCount, bound: configuration.maximumItems),
            DHTLoad(name: "announces", used: peerCount, bound: configuration.maximumPeers),
            DHTLoad(name: "publications", used: schedule.entries.count, bound: configuration.maximumPublications),
            DHTLoad(name: "commands", used: operations.count, bound: configuration.maximumOperations),
        ] + (zone?.loads ?? [])
    }
}
