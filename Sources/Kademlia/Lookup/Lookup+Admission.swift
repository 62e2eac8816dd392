// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Who comes into the list of a search, and who has to make room.
extension Lookup {
    mutating func add(_ contact: Contact, depth: Int, parent: Endpoint?) {
        guard contact.endpoint.family == family else { return }
        let distance = contact.id ^ target
        forgetOldIdentity(of: contact, distance)
        guard makesRoom(for: contact, distance) else { return }
        let isBound = isBound(contact)
        guard isBound || makesRoomAmongUnbound(distance) else { return }
        let position = candidates.firstIndex { distance < $0.distance } ?? candidates.count
        guard position < Self.maximumCandidates else { return }
        var candidate = Candidate(
            id: contact.id,
            endpoint: contact.endpoint,
            distance: distance,
            depth: depth,
            parent: parent
        )
        candidate.isBound = isBound
        candidates.insert(candidate, at: position)
        guard candidates.count > Self.maximumCandidates else { return }
        // The furthest makes room, unless it has something to say yet.
        if let last = candidates.lastIndex(where: { !$0.isWaited }) { candidates.remove(at: last) }
    }

    /// An address named under several ids that nobody has asked yet counts under the closest of them: a node that took a
    /// new id, or one whose address somebody named under a far id, would be passed over otherwise.
    private mutating func forgetOldIdentity(of contact: Contact, _ distance: NodeID) {
        guard
            let index = candidates.firstIndex(where: {
                $0.endpoint == contact.endpoint && $0.state == .fresh && $0.id != .zero && distance < $0.distance
            })
        else { return }
        candidates.remove(at: index)
    }

    func isBound(_ contact: Contact) -> Bool {
        without.contains(.boundIDs) || contact.id.isSecured(for: contact.endpoint.address)
    }

    /// One network gets few places: in a full one a closer node takes that of the furthest that nobody has asked yet.
    private mutating func makesRoom(for contact: Contact, _ distance: NodeID) -> Bool {
        let address = contact.endpoint.address
        guard !address.isLocal, !without.contains(.prefixDiversity) else {
            return !candidates.contains { $0.endpoint == contact.endpoint }
        }
        let prefix = address.prefix
        var neighbours = 0
        var furthest: Int?
        for (index, candidate) in candidates.enumerated() where candidate.endpoint.address.prefix == prefix {
            if candidate.endpoint.address == address { return false }
            if candidate.isLive { neighbours += 1 }
            if candidate.state == .fresh, candidate.id != .zero { furthest = index }
        }
        guard neighbours >= Self.candidatesOfPrefix else { return true }
        guard let furthest, distance < candidates[furthest].distance else { return false }
        candidates.remove(at: furthest)
        return true
    }

    /// How many nodes of one network were asked and may be alive.
    func taken(of prefix: IPAddress) -> Int {
        var count = 0
        for candidate in candidates where candidate.isLive && candidate.state != .fresh {
            if candidate.endpoint.address.prefix == prefix { count += 1 }
        }
        return count
    }

    /// However many ids somebody takes as he likes, they cannot push the others out of the list.
    private mutating func makesRoomAmongUnbound(_ distance: NodeID) -> Bool {
        var fresh = 0
        var furthest: Int?
        for (index, candidate) in candidates.enumerated() where !candidate.isBound && candidate.state == .fresh {
            fresh += 1
            furthest = index
        }
        guard fresh >= width * 3 else { return true }
        guard let furthest, distance < candidates[furthest].distance else { return false }
        candidates.remove(at: furthest)
        return true
    }
}
