// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Wire

/// A thousand readers come to a small publisher within ten seconds.
///
/// Each learns of thirty others, as from a DHT, and again each minute. Every reader must have everything in the end.
/// Held after every event: what ``SwarmProgram/touched()`` looks at, queues with every sixteenth event of a host and once a second.
class SwarmCrowd: Scenario {
    class var name: String { "flash-crowd" }
    class var summary: String { "1,000 readers of one small publisher" }
    class var defaultNodes: Int { 1000 }
    class var fewestNodes: Int { 24 }
    class var mostNodes: Int { 2000 }
    /// Nobody lies or floods here.
    class var defects: [String] { [SessionDefect.droppedTimer.rawValue] }
    class var pieceCount: Int { 32 }
    /// What readers' lines carry, in bytes a second; nil for what lines carry by themselves.
    class var readersDownlink: Int? { nil }
    class var readersUplink: Int { 1_250_000 }
    /// The publisher goes for good when the readers together have every piece.
    class var publisherLeaves: Bool { false }
    private static let queuesEvery = 16

    let world: World
    private let nodes: Int
    private let torrent: SimulatedTorrent?
    private let defect: SessionDefect?
    private var programs: [SwarmProgram] = []
    private var random: RandomStream
    private var publisherLeft: VirtualTime?
    /// How many pieces the reader who had most of them had then.
    private var mostPieces = 0
    /// What the readers together have, and how many pieces each of them had when that was last looked at.
    private var spread: Bitfield
    private var counted: [Int]

    required init(_ options: ScenarioOptions) {
        world = World(seed: options.seed)
        nodes = type(of: self).nodes(options)
        defect = options.defect.flatMap { SessionDefect(rawValue: $0) }
        random = world.stream("crowd")
        torrent = SimulatedTorrent(pieceCount: type(of: self).pieceCount, random: &random)
        spread = Bitfield(count: type(of: self).pieceCount)
        counted = Array(repeating: 0, count: nodes)
    }

    func run() -> [Figure] {
        guard let torrent else { return [] }
        add(torrent, isSeed: true)
        if type(of: self).publisherLeaves { world.onTouch = { [unowned self] host in noteSpread(by: host.index) } }
        for number in 1..<nodes {
            world.plan(at: VirtualTime(.seconds(10) * number / nodes)) { [self] in add(torrent, isSeed: false) }
        }
        for second in 1...1800 { world.plan(at: VirtualTime(.seconds(second))) { [self] in everySecond(second) } }
        while world.violations.isEmpty, world.now < VirtualTime(.seconds(1800)), missing > 0 || programs.count < nodes {
            world.run(until: world.now + .seconds(1))
        }
        if world.violations.isEmpty { checkEnd() }
        return figures
    }

    private func checkEnd() {
        if missing > 0 { return world.violate(.everybodyCompletes, "\(missing) do not") }
        if type(of: self).publisherLeaves, publisherLeft == nil {
            world.violate(.scenarioIsTried, "the publisher never went", host: world.hosts[0])
        }
    }

    private var missing: Int { programs.count { !$0.isComplete } }

    private func add(_ torrent: SimulatedTorrent, isSeed: Bool) {
        let host = world.addHost()
        host.line.uplink = isSeed ? 1_250_000 : type(of: self).readersUplink
        if !isSeed, let downlink = type(of: self).readersDownlink { host.line.downlink = downlink }
        let disk = SwarmDisk(
            pieceCount: torrent.pieces.count,
            holding: isSeed ? torrent.pieces : nil,
            random: world.stream("disk", host.index)
        )
        let program = SwarmProgram(on: host, torrent, disk: disk, defect: defect, random: &random)
        program.queuesEvery = Self.queuesEvery
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
    }

    /// Here no disk loses anything: who has more pieces than before has others than before.
    private func noteSpread(by number: Int) {
        guard publisherLeft == nil, number > 0 else { return }
        let have = programs[number].session.have
        guard have.setCount != counted[number] else { return }
        counted[number] = have.setCount
        for piece in have.indices { spread[piece] = true }
        if spread.isFull { publisherGoes() }
    }

    private func publisherGoes() {
        publisherLeft = world.now
        programs[0].powerLost()
        world.hosts[0].switchOff()
        mostPieces = counted.max() ?? 0
        // Whoever has everything is a publisher, too.
        if mostPieces == spread.count {
            world.violate(.scenarioIsTried, "a reader has everything when the publisher goes")
        }
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
        if let publisherLeft {
            figures.append(Figure("publisher-left-after", publisherLeft.description))
            figures.append(Figure("most-pieces-then", "\(mostPieces)/\(spread.count)"))
        }
        return figures
    }
}

/// The same, and the publisher goes for good as soon as the readers together have everything.
final class PublisherGone: SwarmCrowd {
    override class var name: String { "publisher-gone" }
    override class var summary: String { "the publisher goes as soon as its readers together have everything" }
    override class var defaultNodes: Int { 60 }
    /// Peers by peers: twice as many take four times as long.
    override class var mostNodes: Int { 200 }
    override class var publisherLeaves: Bool { true }
    /// Nobody can have everything within ten seconds: the publisher's line carries it to several in two.
    override class var readersDownlink: Int? { 100_000 }
    override class var readersUplink: Int { 80_000 }
}
