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
        let entries = table.buckets[bucket].entries
        var position = 0
        while position < entries.count {
            if !entries[position].isBad {
                let distance = entries[position].contact.id ^ target
                insert(Ranked(distance: distance, bucket: bucket, position: position), wanted)
            }
            position += 1
        }
    }

    private mutating func insert(_ new: Ranked, _ wanted: Int) {
        var index = ranked.count
        if index < wanted {
            ranked.append(new)
        } else {
            index -= 1
            guard new.distance < ranked[index].distance else { return }
        }
        var room = ranked.mutableSpan
        while index > 0, new.distance < room[index - 1].distance {
            room[index] = room[index - 1]
            index -= 1
        }
        room[index] = new
    }

    /// The node of that rank in the table that was looked through.
    func contact(_ rank: Int, in table: RoutingTable) -> Contact {
        table.buckets[ranked[rank].bucket].entries[ranked[rank].position].contact
    }
}
