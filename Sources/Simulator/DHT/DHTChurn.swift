// SPDX-License-Identifier: Apache-2.0
internal import Kademlia
internal import Wire

/// A large network like Mainline in which nodes come and go all the time.
///
/// Nodes join over five minutes, then ten minutes pass in which 20 % of all nodes a minute are replaced by new ones
/// without a word, then fifty at 2 %. Every fifth node stands behind a home router that lets answers through only, every
/// tenth of all behind one that takes another port for everyone and so is read-only (BEP 43). Two nodes of five have
/// announced themselves for one of many torrents, about twenty nodes for each.
///
/// Four times a second a node that has been on for a minute looks for the peers of a torrent (`lookups`: good if one is
/// found that is on), once a second for a random target (`neighbours`: good if of the eight closest that are on and not
/// read-only the closest is found), and once a second for an item whose publisher stays (`items`).
///
/// Held at the end of each phase, in networks of ``boundedNodes`` and more: 99 % of the lookups are good, and no search of the
/// three kinds takes more than log2(N) + 3 hops.
class DHTChurn: Scenario {
    class var name: String { "dht-churn" }
    class var summary: String { "10,000 DHT nodes that come and go: lookups, hops and latency" }
    class var defaultNodes: Int { 10_000 }
    class var fewestNodes: Int { 16 }
    class var mostNodes: Int { 20_000 }

    /// Published for Mainline with tuned clients: Jiménez, Osmani and Knutsson, P2P 2011.
    static let published = "100-200 ms median with tuned clients, many < 1 s untuned (Jimenez et al., P2P 2011)"

    /// In smaller networks everybody knows everybody, and one unlucky search is more than one in a hundred.
    static let boundedNodes = 100

    struct Phase {
        var name: String
        /// Thousandths of all nodes replaced in a minute.
        var churn: Int
        var length: Duration
    }

    let world: World
    let nodes: Int
    let crowd: DHTCrowd
    class var phases: [Phase] {
        [
            Phase(name: "rough", churn: 200, length: .seconds(600)),
            Phase(name: "calm", churn: 20, length: .seconds(3000)),
        ]
    }
    class var opening: Duration { .seconds(300) }
    private var choices: RandomStream
    private var results: [DHTMeasure] = []

    required init(_ options: ScenarioOptions) {
        world = World(seed: options.seed)
        nodes = type(of: self).nodes(options)
        crowd = DHTCrowd(world, nodes: nodes)
        choices = world.stream("churn choices")
    }

    func run() -> [Figure] {
        crowd.open(over: type(of: self).opening)
        world.run(until: world.now + type(of: self).opening + .seconds(120))
        for phase in type(of: self).phases where world.violations.isEmpty { run(phase) }
        return figures
    }

    // MARK: - Phases

    private func run(_ phase: Phase) {
        let measure = DHTMeasure(crowd, name: phase.name)
        results.append(measure)
        let begin = world.now
        let replaced = phase.churn * nodes * Int(phase.length.inNanoseconds / 1_000_000_000) / 60 / 1000
        for number in 0..<max(replaced, 1) where replaced > 0 {
            let time = begin + phase.length * number / replaced
            world.plan(at: time) { [self] in crowd.replace(choices.below(nodes)) }
        }
        for second in 0..<Int(phase.length.inNanoseconds / 1_000_000_000) {
            world.plan(at: begin + .seconds(second)) { measure.everySecond() }
        }
        // The last lookups have fifteen seconds to end.
        world.run(until: begin + phase.length + .seconds(15))
        measure.close()
        if let (invariant, detail) = Self.shortfall(measure.counts, nodes: nodes) {
            world.violate(invariant, "\(phase.name): \(detail)")
        }
    }

    /// What of the bounds for so many nodes was missed.
    static func shortfall(_ counts: DHTMeasure.Counts, nodes: Int) -> (Invariant, String)? {
        guard nodes >= boundedNodes else { return nil }
        if counts.lookups.basisPoints < 9900 { return (.lookupsSucceed, "\(counts.lookups.text), 99 % is the least") }
        let most = maximumHops(nodes)
        return counts.hops > most ? (.hopsAreFew, "\(counts.hops) hops, \(most) is the most") : nil
    }

    private var figures: [Figure] {
        var figures = [Figure("nodes", nodes), Figure("events", world.eventCount)]
        for result in results { figures += result.figures }
        var all = DHTMeasure.Counts()
        for result in results { all.add(result.counts) }
        figures.append(Figure("lookups", all.lookups.text))
        figures.append(Figure("hops", "\(all.hops) at most, log2(N)+3 = \(Self.maximumHops(nodes))"))
        figures.append(Figure("latency-median-ms", all.first.milliseconds(percentile: 50)))
        figures.append(Figure("latency-p95-ms", all.first.milliseconds(percentile: 95)))
        figures.append(Figure("mainline-published", Self.published))
        return figures
    }

    /// log2(N) + 3, rounded down.
    static func maximumHops(_ nodes: Int) -> Int { Int.bitWidth - 1 - max(nodes, 1).leadingZeroBitCount + 3 }
}

/// The same with fewer nodes for two minutes, for comparing runs.
final class DHTShort: DHTChurn {
    override class var name: String { "dht-short" }
    override class var summary: String { "100 DHT nodes that come and go for two minutes" }
    override class var defaultNodes: Int { 100 }
    override class var phases: [Phase] { [Phase(name: "rough", churn: 200, length: .seconds(60))] }
    override class var opening: Duration { .seconds(10) }
}
