// SPDX-License-Identifier: Apache-2.0
internal import Kademlia
internal import Keys
internal import Wire

/// A publisher puts a newer item each half minute, some nodes show old ones for ever, and power and lines fail.
///
/// Held after every read: no node is ever given an item older than one that it was given before and had saved.
/// Held at the end, a minute after the last fault is over: readers find the newest item.
final class DHTItems: Scenario {
    static let name = "dht-items"
    static let summary = "items that are replaced, nodes that show old ones, power and line failures"
    static let defaultNodes = 14
    static let fewestNodes = 9
    static let mostNodes = 100
    static let defects = DHTDefect.allCases.map { $0.rawValue }
    static let isFaultScenario = true

    let world: World
    private let nodes: Int
    /// They keep the first item and take no other.
    private let stale: Range<Int>
    private let plan: FaultPlan
    private let defect: DHTDefect?
    private var random: RandomStream
    private var programs: [DHTProgram] = []
    /// What each node's disk holds, and the newest item that it has been given since.
    private var states: [DHTState?] = []
    private var seen: [Int64] = []
    private var reads = Share()
    /// Those begun after all faults, and how many of them were given the newest item: one that never ends counts against it.
    private var lastReads = (started: 0, good: 0)
    private let key: SigningKey?
    private var published: [MutableItem] = []

    var faults: [Fault] { plan.faults }

    init(_ options: ScenarioOptions) {
        world = World(seed: options.seed)
        nodes = Self.nodes(options)
        defect = options.defect.flatMap { DHTDefect(rawValue: $0) }
        random = world.stream("items")
        key = SigningKey(seed: random.bytes(32))
        stale = nodes - max(nodes / 4, 2)..<nodes
        plan = FaultPlan(
            options,
            FaultPlan.Bounds(hosts: 1..<nodes, count: 5, from: .seconds(45), until: .seconds(150), liars: stale)
        )
    }

    private func isStale(_ number: Int) -> Bool { stale.contains(number) }

    func run() -> [Figure] {
        for number in 0..<nodes {
            let host = world.addHost()
            // Two readers at home.
            if number == 4 || number == 5 { host.translation = number == 4 ? .open : .cone }
            states.append(nil)
            seen.append(-1)
            programs.append(start(number))
        }
        for time in stride(from: 5, to: 180, by: 30) {
            world.plan(at: VirtualTime(.seconds(time))) { [self] in publish() }
        }
        for second in 10..<260 { world.plan(at: VirtualTime(.seconds(second))) { [self] in everySecond(second) } }
        plan.plan(in: world) { [self] fault in
            guard case .powerFailure(let length) = fault.kind else { return }
            failPower(of: fault.host, for: length)
        }
        world.run(until: VirtualTime(.seconds(280)))
        let last = Share(good: lastReads.good, all: lastReads.started)
        if last.all == 0 || last.good < last.all { world.violate(.newestIsFound, "\(last.text) after all faults") }
        return [
            Figure("nodes", nodes), Figure("events", world.eventCount), Figure("reads-newest", reads.text),
            Figure("last-reads-newest", last.text),
        ]
    }

    private func start(_ number: Int) -> DHTProgram {
        let host = world.hosts[number]
        host.restartClock(at: random.time(below: .seconds(1000)))
        var configuration = DHTConfiguration(of: host)
        configuration.storesItems = !isStale(number)
        configuration.defect = defect
        let state = states[number]
        let program = DHTProgram(on: host, id: state?.id, configuration: configuration, seed: &random)
        if let state { program.restore(state) }
        host.switchOn(program)
        let entrances = world.hosts.filter { $0 !== host }.prefix(3).map { $0.endpoint }
        program.open(through: Array(entrances), areRouters: false)
        return program
    }

    private func failPower(of number: Int, for length: Duration) {
        let host = world.hosts[number]
        guard host.isOn else { return }
        host.switchOff()
        seen[number] = states[number]?.floors.map { $0.sequence }.max() ?? -1
        world.plan(after: length) { [self] in programs[number] = start(number) }
    }

    private func publish() {
        let sequence = Int64(published.count + 1)
        guard let key,
            let item = try? MutableItem.signed(
                value: Array("i\(sequence)e".utf8),
                sequence: sequence,
                by: key
            )
        else { return }
        published.append(item)
        programs[0].start(.publish(.mutable(item), keep: .own))
        guard published.count == 1 else { return }
        world.plan(after: .seconds(3)) { [self] in
            for number in programs.indices where isStale(number) {
                programs[number].start(.publish(.mutable(item), keep: .own))
            }
        }
    }

    private func everySecond(_ second: Int) {
        for number in programs.indices where world.hosts[number].isOn {
            // As the product does now and then.
            if (second + number) % 10 == 0 { states[number] = DHTState(parsing: programs[number].node.state.encoded) }
            if number > 0, !isStale(number), (second + number) % 8 == 0 { read(number, isLast: second > 245) }
        }
    }

    private func read(_ number: Int, isLast: Bool) {
        guard let key = key?.publicKey else { return }
        let program = programs[number]
        let incarnation = program.host.incarnation
        let newest = published.last?.sequence ?? 0
        if isLast { lastReads.started += 1 }
        program.start(.getMutable(key: key, salt: [])) { _ in
        } finish: { [self] outcome in
            guard case .mutable(let report, _) = outcome, program.host.incarnation == incarnation else { return }
            let sequence = report.item?.sequence
            if let sequence, sequence < seen[number] {
                world.violate(.neverOlder, "\(sequence) after \(seen[number])", host: program.host)
            }
            if let sequence { seen[number] = max(seen[number], sequence) }
            let isNewest = newest > 0 && sequence ?? 0 >= newest
            reads.add(isNewest)
            if isLast, isNewest { lastReads.good += 1 }
        }
    }
}
