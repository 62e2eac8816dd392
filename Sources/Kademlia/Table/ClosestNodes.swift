// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Finds the nodes of a table that are closest to a target. Keeps its memory, so that looking again allocates nothing.
struct ClosestNodes: Sendable {
    private struct Ranked: Sendable {
        let distance: NodeID
        let bucket: Int
        let position: Int
    }

    /// Ascending by distance; at most as many as were wanted.
    private var ranked: [Ranked] = []

    var count: Int { ranked.count }

    /// Ranks up to `wanted` nodes that are not bad.
    mutating func find(in table: RoutingTable, near target: NodeID, count wanted: Int) {
        ranked.removeAll(keepingCapacity: true)
        guard wanted > 0 else { return }
        let own = table.bucketIndex(of: target)
        add(own, of: table, target, wanted)
        // Whatever lies deeper differs from the target at one and the same bit, so it comes next as a whole.
        if ranked.count < wanted {
            var index = own + 1
            while index < table.buckets.count {
                add(index, of: table, target, wanted)
                index += 1
            }
        }
        var index = own - 1
        while ranked.count < wanted, index >= 0 {
            add(index, of: table, target, wanted)
            index -= 1
        }
    }

    private mutating func add(_ bucket: Int, of table: RoutingTable, _ target: NodeID, _ wanted: Int) {
        var position = 0
        let count = table.buckets[bucket].entries.count
        while position < count {
            let distance = table.buckets[bucket].entries[position].contact.id ^ target
            if !table.buckets[bucket].entries[position].isBad {
                insert(Ranked(distance: distance, bucket: bucket, position: position), wanted)
            }
            position += 1
        }
    }

    private mutating func insert(_ new: Ranked, _ wanted: Int) {
        if ranked.count >= wanted {
            guard let last = ranked.last, new.distance < last.distance else { return }
            ranked.removeLast()
        }
        var index = ranked.count
        ranked.append(new)
        while index > 0, new.distance < ranked[index - 1].distance {
            ranked[index] = ranked[index - 1]
            index -= 1
        }
        ranked[index] = new
    }

    /// The node of that rank in the table that was looked through.
    func contact(_ rank: Int, in table: RoutingTable) -> Contact {
        table.buckets[ranked[rank].bucket].entries[ranked[rank].position].contact
    }
}
