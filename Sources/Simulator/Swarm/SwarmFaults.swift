// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Wire

/// A publisher, some readers and four peers that lie, are silent, flood and are slow, while power, lines and disks fail.
///
/// Held after every event: whatever a session offers is on its disk as the torrent has it, unless the disk lost it after it had
/// said that it was safe; no queue is above its bound; a timer is planned; nobody is banned who did not lie or flood, or whose
/// disk did not; no user's name is sent, or shown of a peer.
/// Held at the end: every honest reader has everything five minutes after the last fault is over, on its disk, too.
final class SwarmFaults: Scenario {
    static let name = "swarm-faults"
    static let summary = "a small swarm with liars while power, lines and disks fail"
    static let defaultNodes = 8
    static let fewestNodes = 7
    static let mostNodes = 40
    static let defects = SessionDefect.allCases.map { $0.rawValue } + [earlyAcknowledgement, userName]
    static let isFaultScenario = true

    private static let earlyAcknowledgement = "early-acknowledgement"
    private static let userName = "user-name"

    let world: World
    private let plan: FaultPlan
    private let torrent: SimulatedTorrent?
    private let defect: SessionDefect?
    private let acknowledgesEarly: Bool
    private let tellsName: Bool
    private var disks: [SwarmDisk] = []
    private var programs: [SwarmProgram] = []
    private let nodes: Int
    private var random: RandomStream
    /// Of programs that have ended.
    private var failedReads = 0

    var faults: [Fault] { plan.faults }

    init(_ options: ScenarioOptions) {
        world = World(seed: options.seed)
        nodes = Self.nodes(options)
        defect = options.defect.flatMap { SessionDefect(rawValue: $0) }
        acknowledgesEarly = options.defect == Self.earlyAcknowledgement
        random = world.stream("swarm")
        torrent = SimulatedTorrent(pieceCount: 12, random: &random)
        tellsName = options.defect == Self.userName
        plan = FaultPlan(
            options,
            FaultPlan.Bounds(hosts: 0..<nodes - 4, count: 6, from: .seconds(1), until: .seconds(60), hasDisks: true)
        )
    }

    private func wrong(_ number: Int) -> SwarmWrong {
        switch nodes - number {
        case 1: .lies
        case 2: .silent
        case 3: .floods
        case 4: .slow
        default: .none
        }
    }

    func run() -> [Figure] {
        guard let torrent else { return [] }
        for _ in 0..<nodes { _ = world.addHost() }
        world.nameUsers()
        for number in 0..<nodes {
            let host = world.hosts[number]
            // Slow enough that faults meet a swarm at work.
            host.line.uplink = wrong(number) == .slow ? 2_000 : 30_000
            let holds = number == 0 || wrong(number).hasEverything
            let random = world.stream("disk", number)
            let pieces = holds ? torrent.pieces : nil
            disks.append(SwarmDisk(pieceCount: torrent.pieces.count, holding: pieces, random: random))
            disks[number].acknowledgesEarly = acknowledgesEarly
            programs.append(start(number, on: host))
        }
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
            tellsName: tellsName && wrong(number) == .none,
            random: &random
        )
        program.onBan = { [unowned self] endpoint in banned(endpoint, by: host) }
        host.switchOn(program)
        return program
    }

    private func banned(_ endpoint: Endpoint, by host: Host) {
        // Who reads what its disk has changed sends it as it is.
        guard let index = world.network.owner(of: endpoint.address), !wrong(index).isLie,
            disks[index].forgottenCount == 0
        else { return }
        world.violate(.honestIsNotBanned, "host \(index)", host: host)
    }

    /// As the finders of a node do: everybody's address again and again.
    private func everySecond(_ second: Int) {
        for number in programs.indices where world.hosts[number].isOn {
            if (second + number) % 5 == 0 { disks[number].sync() }
            if number == 0, second % 15 == 0 { programs[0].mendFromFolder() }
            guard second % 15 == 1 || second < 3 else { continue }
            let others = world.hosts.filter { $0.index != number }.map { $0.endpoint }
            programs[number].add(others, source: .dht)
        }
    }

    private func happen(_ fault: Fault) {
        let host = world.hosts[fault.host]
        switch fault.kind {
        case .powerFailure(let length): failPower(of: host, for: length)
        case .disk(let trouble):
            world.befall(disks[fault.host], trouble) { [self] in
                failPower(of: host, for: $0)
            } recovered: { [self] in
                if host.isOn { programs[fault.host].resume() }
            }
        default: break
        }
    }

    private func failPower(of host: Host, for length: Duration) {
        guard host.isOn else { return }
        programs[host.index].powerLost()
        failedReads += programs[host.index].failedReads
        host.switchOff()
        disks[host.index].powerLost()
        world.plan(after: length) { [self] in
            programs[host.index] = start(host.index, on: host)
            programs[host.index].readEverything()
        }
    }

    private func checkEnd() {
        guard world.violations.isEmpty else { return }
        for number in programs.indices where wrong(number) == .none && !programs[number].isWhole {
            let have = programs[number].session.have.setCount
            let detail = programs[number].isComplete ? "what it offers is not there" : "\(have) of 12 pieces"
            world.violate(.everybodyCompletes, detail, host: world.hosts[number])
        }
    }

    private var figures: [Figure] {
        let honest = programs.indices.filter { wrong($0) == .none }
        return [
            Figure("nodes", nodes), Figure("events", world.eventCount),
            Figure("complete", "\(honest.count { programs[$0].isWhole })/\(honest.count)"),
            Figure("failed-reads", failedReads + honest.reduce(0) { $0 + programs[$1].failedReads }),
            Figure("lost-after-sync", honest.reduce(0) { $0 + disks[$1].forgottenCount }),
            Figure("bans", honest.reduce(0) { $0 + programs[$1].bannedCount }),
        ]
    }
}
