// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// What a search has found.
extension Lookup {
    /// The nodes that answered, closest first: `count` whose id fits their address, and at most as many others between.
    func closest(_ count: Int) -> [Candidate] { Self.closest(count, of: candidates.filter { $0.state == .answered }) }

    /// The same of several searches together; `ordered` by distance.
    static func closest(_ count: Int, of ordered: [Candidate]) -> [Candidate] {
        var (bound, unbound) = (count, count)
        var closest: [Candidate] = []
        for candidate in ordered {
            guard bound > 0 else { break }
            if candidate.isBound {
                bound -= 1
            } else {
                unbound -= 1
                if unbound < 0 { continue }
            }
            closest.append(candidate)
        }
        return closest
    }

    var closestDistance: NodeID {
        candidates.first { $0.state == .answered }?.distance ?? NodeID(Array(repeating: 0xFF, count: 20)) ?? .zero
    }

    /// From the first node asked to the closest found, each closer than the one before.
    var path: [Contact] {
        var chain: [Candidate] = []
        var step = candidates.first { $0.state == .answered }
        while let candidate = step, chain.count < Self.maximumCandidates {
            chain.append(candidate)
            step = candidate.parent.flatMap { parent in candidates.first { $0.endpoint == parent } }
        }
        var path: [Candidate] = []
        for candidate in chain.reversed() where path.last.map({ candidate.distance < $0.distance }) ?? true {
            path.append(candidate)
        }
        return path.map { $0.contact }
    }

    /// Queries one after the other from us to the closest node found.
    var hops: Int { candidates.first { $0.state == .answered }.map { $0.depth + 1 } ?? 0 }
}
