// SPDX-License-Identifier: Apache-2.0
internal import Kademlia
internal import Wire

/// Lookups made during a part of a run, and how they went.
final class DHTMeasure {
    struct Counts {
        var lookups = Share()
        var neighbours = Share()
        var items = Share()
        /// To the first peer that is on.
        var first = Sample()
        /// To the end of a lookup for peers.
        var whole = Sample()
        var hops = 0
        var queries = 0
        var answers = 0

        mutating func add(_ other: Counts) {
            lookups.add(other.lookups)
            neighbours.add(other.neighbours)
            items.add(other.items)
            first.add(other.first)
            whole.add(other.whole)
            hops = max(hops, other.hops)
            queries += other.queries
            answers += other.answers
        }
    }

    private let crowd: DHTCrowd
    private let name: String
    private(set) var counts = Counts()
    private var random: RandomStream
    private var isOpen = true
    private let began: VirtualTime
    private let bytesBefore: Int
    /// What a node sent in a second on the average, in bytes.
    private var bytesOfNode = 0

    init(_ crowd: DHTCrowd, name: String) {
        self.crowd = crowd
        self.name = name
        random = crowd.world.stream("measure " + name)
        began = crowd.world.now
        bytesBefore = crowd.world.bytesSent
    }

    /// What ends later does not count.
    func close() {
        isOpen = false
        let seconds = Int((crowd.world.now - began).inNanoseconds / 1_000_000_000)
        bytesOfNode = (crowd.world.bytesSent - bytesBefore) / max(seconds * crowd.nodes, 1)
    }

    func everySecond() {
        for _ in 0..<4 { lookForPeers() }
        lookForNeighbours()
        lookForItem()
    }

    private func lookForPeers() {
        let torrent = random.below(crowd.torrents.count)
        guard let program = crowd.settled(using: &random), crowd.memberCount(of: torrent) > 0 else { return }
        let began = crowd.world.now
        var found: Duration?
        program.start(.getPeers(crowd.torrents[torrent])) { [self] progress in
            guard case .peers(let peers) = progress, found == nil,
                peers.contains(where: { crowd.isMember($0, of: torrent) })
            else { return }
            found = crowd.world.now - began
        } finish: { [self] outcome in
            guard isOpen, case .peers(_, let report) = outcome else { return }
            counts.lookups.add(found != nil)
            if let found { counts.first.add(found) }
            counts.whole.add(crowd.world.now - began)
            count(report)
        }
    }

    private func lookForNeighbours() {
        guard let program = crowd.settled(using: &random) else { return }
        let target = NodeID.random(using: &random)
        program.start(.findNode(target)) { _ in
        } finish: { [self] outcome in
            guard isOpen, case .nodes(let report) = outcome, let closest = crowd.closest(to: target) else { return }
            let own = program.node.id
            counts.neighbours.add(closest == own || report.closest.contains { $0.id == closest })
            count(report)
        }
    }

    private func lookForItem() {
        guard let program = crowd.settled(using: &random), let item = random.element(of: crowd.items) else { return }
        program.start(.getMutable(key: item.key, salt: [])) { _ in
        } finish: { [self] outcome in
            guard isOpen, case .mutable(let report, let lookup) = outcome else { return }
            counts.items.add(report.item == item)
            count(lookup)
        }
    }

    private func count(_ report: LookupReport) {
        counts.hops = max(counts.hops, report.hops)
        counts.queries += report.queries
        counts.answers += report.answers
    }

    var figures: [Figure] {
        let all = counts.lookups.all + counts.neighbours.all + counts.items.all
        return [
            Figure(name + "-lookups", counts.lookups.text),
            Figure(name + "-neighbours", counts.neighbours.text),
            Figure(name + "-items", counts.items.text),
            Figure(name + "-first-peer-median-ms", counts.first.milliseconds(percentile: 50)),
            Figure(name + "-first-peer-p95-ms", counts.first.milliseconds(percentile: 95)),
            Figure(name + "-whole-lookup-median-ms", counts.whole.milliseconds(percentile: 50)),
            Figure(name + "-whole-lookup-p95-ms", counts.whole.milliseconds(percentile: 95)),
            Figure(name + "-hops", counts.hops),
            Figure(name + "-queries-a-lookup", counts.queries / max(all, 1)),
            Figure(name + "-answers-a-lookup", counts.answers / max(all, 1)),
            Figure(name + "-bytes-a-second-a-node", bytesOfNode),
        ]
    }
}
