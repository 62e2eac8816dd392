// SPDX-License-Identifier: Apache-2.0

/// The connections of a session in the order of their making, so that a session's decisions depend on its seed alone.
///
/// Numbers only ever grow, so a new one stands last; lookups are binary searches, removal moves what stands behind.
struct ConnectionTable {
    private var ids: [ConnectionID] = []
    private(set) var values: [PeerConnection] = []

    var count: Int { values.count }
    /// In ascending order.
    var keys: [ConnectionID] { ids }
    var isEmpty: Bool { values.isEmpty }

    /// Where `id` stands, or would.
    private func position(of id: ConnectionID) -> Int {
        var (low, high) = (0, ids.count)
        while low < high {
            let middle = (low + high) / 2
            if ids[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low
    }

    subscript(id: ConnectionID) -> PeerConnection? {
        get {
            let place = position(of: id)
            return place < ids.count && ids[place] == id ? values[place] : nil
        }
        set {
            let place = position(of: id)
            let isThere = place < ids.count && ids[place] == id
            switch newValue {
            case let peer? where isThere: values[place] = peer
            case let peer?:
                ids.insert(id, at: place)
                values.insert(peer, at: place)
            case nil where isThere:
                ids.remove(at: place)
                values.remove(at: place)
            case nil: break
            }
        }
    }
}
