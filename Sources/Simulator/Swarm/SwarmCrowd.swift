// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Wire

/// A thousand readers come to a small publisher within ten seconds.
///
/// Each learns of thirty others, as from a DHT, and again each minute. Every reader must have everything in the end.
class SwarmCrowd: Scenario {
    class var name: String { "flash-crowd" }
    class var summary: String { "1,000 readers of one small publisher" }
    class var defaultNodes: Int { 1000 }
    class var fewestNodes: Int { 24 }
    /// The publisher goes for good when the readers together have every piece.
    class var publisherLeaves: Bool { false }

    let world: World
    private let nodes: Int
    private let torrent: SimulatedTorrent?
    private var programs: [SwarmProgram] = []
    private var random: RandomStream
    private var publisherLeft: VirtualTime?
    private var times = Sample()

    required init(_ options: ScenarioOptions) {
        world = World(seed: options.seed)
        nodes = max(options.nodes ?? type(of: self).defaultNodes, 3)
        random = world.stream("crowd")
        torrent = SimulatedTorrent(pieceCount: 32, random: &random)
    }

    func run() -> [Figure] {
        guard let torrent else { return [] }
        add(torrent, isSeed: true)
        for number in 1..<nodes {
            world.plan(at: VirtualTime(.seconds(10) * number / nodes)) { [self] in add(torrent, isSeed: false) }
        }
        for second in 1...1800 { world.plan(at: VirtualTime(.seconds(second))) { [self] in everySecond(second) } }
        while world.violations.isEmpty, world.now < VirtualTime(.seconds(1800)), missing > 0 || programs.count < nodes {
            world.run(until: world.now + .seconds(1))
        }
        if missing > 0, world.violations.isEmpty { world.violate(.everybodyCompletes, "\(missing) do not") }
        return figures
    }

    private var missing: Int { programs.count { !$0.isComplete } }

    private func add(_ torrent: SimulatedTorrent, isSeed: Bool) {
        let host = world.addHost()
        host.line.uplink = 1_250_000
        let disk = SwarmDisk(
            pieceCount: torrent.pieces.count,
            holding: isSeed ? torrent.pieces : nil,
            random: world.stream("disk", host.index)
        )
        let program = SwarmProgram(on: host, torrent, disk: disk, random: &random)
        host.switchOn(program)
        programs.append(program)
        if !isSeed { findPeers(for: host.index) }
    }

    private func findPeers(for number: Int) {
        let others = (0..<30).map { _ in random.below(programs.count) }.filter { $0 != number }
        programs[number].add(others.map { world.hosts[$0].endpoint }, source: .dht)
    }

    private func everySecond(_ second: Int) {
        for number in programs.indices where world.hosts[number].isOn {
            programs[number].checkQueues()
            if number > 0, !programs[number].isComplete, (second + number) % 60 == 0 { findPeers(for: number) }
        }
        guard type(of: self).publisherLeaves, publisherLeft == nil, let torrent, programs.count == nodes else { return }
        let isSpread = torrent.pieces.indices.allSatisfy { piece in
            programs.dropFirst().contains { $0.session.have[piece] }
        }
        guard isSpread else { return }
        publisherLeft = world.now
        programs[0].powerLost()
        world.hosts[0].switchOff()
    }

    private var figures: [Figure] {
        var times = Sample()
        for program in programs.dropFirst() { if let time = program.timeToWhole { times.add(time) } }
        let size = torrent?.pieces.reduce(0) { $0 + $1.count } ?? 0
        let copies = size == 0 ? 0 : (programs.first?.givenBytes ?? 0) * 100 / size
        var figures = [
            Figure("nodes", nodes), Figure("events", world.eventCount),
            Figure("complete", "\(times.count)/\(nodes - 1)"),
            Figure("publisher-copies-hundredths", copies),
            Figure("whole-median-ms", times.milliseconds(percentile: 50)),
            Figure("whole-p95-ms", times.milliseconds(percentile: 95)),
        ]
        if let publisherLeft { figures.append(Figure("publisher-left-after", publisherLeft.description)) }
        return figures
    }
}

/// The same, and the publisher goes for good as soon as the readers together have everything.
final class PublisherGone: SwarmCrowd {
    override class var name: String { "publisher-gone" }
    override class var summary: String { "the publisher goes as soon as its readers together have everything" }
    override class var defaultNodes: Int { 60 }
    override class var publisherLeaves: Bool { true }
}
