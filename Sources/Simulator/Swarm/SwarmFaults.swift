// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Wire

/// A publisher, some readers and three peers that lie, are silent and flood, while power, lines and disks fail.
///
/// Held after every event: whatever a session offers is on its disk as the torrent has it; no queue is above its bound.
/// Held at the end: every honest reader has everything five minutes after the last fault is over.
final class SwarmFaults: Scenario {
    static let name = "swarm-faults"
    static let summary = "a small swarm with liars while power, lines and disks fail"
    static let defaultNodes = 7
    static let fewestNodes = 6
    static let isFaultScenario = true

    let world: World
    private let plan: FaultPlan
    private let torrent: SimulatedTorrent?
    private let defect: SessionDefect?
    private let acknowledgesEarly: Bool
    private var disks: [SwarmDisk] = []
    private var programs: [SwarmProgram] = []
    private let nodes: Int
    private var random: RandomStream

    var faults: [Fault] { plan.faults }

    init(_ options: ScenarioOptions) {
        world = World(seed: options.seed)
        nodes = max(options.nodes ?? Self.defaultNodes, 6)
        defect = options.defect.flatMap { SessionDefect(rawValue: $0) }
        acknowledgesEarly = options.defect == "early-acknowledgement"
        random = world.stream("swarm")
        torrent = SimulatedTorrent(pieceCount: 12, random: &random)
        plan = FaultPlan(
            options,
            hosts: 0..<nodes - 3,
            count: 6,
            from: .seconds(1),
            until: .seconds(60),
            withDisks: true
        )
    }

    private func wrong(_ number: Int) -> SwarmProgram.Wrong {
        switch nodes - number {
        case 1: .lies
        case 2: .silent
        case 3: .floods
        default: .none
        }
    }

    func run() -> [Figure] {
        guard let torrent else { return [] }
        for number in 0..<nodes {
            let host = world.addHost()
            // Slow enough that faults meet a swarm at work.
            host.line.uplink = 30_000
            // The liar and the silent peer have everything to offer.
            let isSeed = number == 0 || wrong(number) == .lies || wrong(number) == .silent
            disks.append(SwarmDisk(pieceCount: torrent.pieces.count, holding: isSeed ? torrent.pieces : nil))
            disks[number].acknowledgesEarly = acknowledgesEarly
            programs.append(start(number, on: host))
        }
        world.onTouch = { [unowned self] host in programs[host.index].check() }
        for second in 1...420 { world.plan(at: VirtualTime(.seconds(second))) { [self] in everySecond(second) } }
        plan.plan(in: world) { [self] fault in happen(fault) }
        world.run(until: VirtualTime(.seconds(420)))
        checkEnd()
        return figures
    }

    private func start(_ number: Int, on host: Host) -> SwarmProgram {
        guard let torrent else { preconditionFailure("run() has checked") }
        host.restartClock(at: random.time(below: .seconds(1000)))
        let program = SwarmProgram(
            on: host,
            torrent,
            disk: disks[number],
            wrong: wrong(number),
            defect: wrong(number) == .none ? defect : nil,
            random: &random
        )
        host.switchOn(program)
        return program
    }

    /// As the finders of a node do: everybody's address again and again.
    private func everySecond(_ second: Int) {
        for number in programs.indices where world.hosts[number].isOn {
            if (second + number) % 5 == 0 { disks[number].sync() }
            guard second % 15 == 1 || second < 3 else { continue }
            let others = world.hosts.filter { $0.index != number }.map { $0.endpoint }
            programs[number].add(others, source: .dht)
        }
    }

    private func happen(_ fault: Fault) {
        let host = world.hosts[fault.host]
        let disk = disks[fault.host]
        switch fault.kind {
        case .powerFailure(let length): failPower(of: host, for: length)
        case .disk(.full):
            disk.isFull = true
            world.plan(after: .seconds(20)) { [self] in
                disk.isFull = false
                if host.isOn { programs[fault.host].resume() }
            }
        case .disk(.lostSync):
            disk.losesSyncs = true
            world.plan(after: .seconds(5)) { [self] in
                failPower(of: host, for: .seconds(5))
                disk.losesSyncs = false
            }
        case .disk(.torn): failPower(of: host, for: .seconds(1))
        default: break
        }
    }

    private func failPower(of host: Host, for length: Duration) {
        guard host.isOn else { return }
        programs[host.index].powerLost()
        host.switchOff()
        disks[host.index].powerLost()
        world.plan(after: length) { [self] in programs[host.index] = start(host.index, on: host) }
    }

    private func checkEnd() {
        guard world.violations.isEmpty else { return }
        for number in programs.indices where wrong(number) == .none && !programs[number].isComplete {
            let have = programs[number].session.have.setCount
            world.violate("everybody-completes", "\(have) of 12 pieces", host: world.hosts[number])
        }
    }

    private var figures: [Figure] {
        let honest = programs.indices.filter { wrong($0) == .none }
        return [
            Figure("nodes", nodes), Figure("events", world.eventCount),
            Figure("complete", "\(honest.count { programs[$0].isComplete })/\(honest.count)"),
            Figure("bans", honest.reduce(0) { $0 + programs[$1].bannedCount }),
        ]
    }
}
