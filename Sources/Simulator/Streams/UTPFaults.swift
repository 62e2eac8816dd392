// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Wire

/// uTP connections over lines that lose one datagram in a hundred, while power and lines fail.
///
/// Two hosts listen; the others, one of them behind each kind of router, dial them again and again and exchange up to
/// 200 kB. Held after every event: what comes is what was sent, in order; a timer is planned; no queue is above its bound.
/// Held every second: a connection gets on, or ends, within ``patience`` after the last fault. Held at the end: nothing is left open.
final class UTPFaults: Scenario {
    static let name = "utp-faults"
    static let summary = "uTP connections over bad lines and routers while power and lines fail"
    static let defaultNodes = 6
    static let fewestNodes = 5
    static let mostNodes = 24
    static let defects = [reversedBytes]

    /// Repetitions double from about a second; what was begun in a partition is repeated half a minute after it at the
    /// latest, and three repetitions in a row are not lost on a line that is well.
    static let patience = Duration.seconds(75)
    private static let lastDial = 150
    private static let end = Duration.seconds(300)

    private static let reversedBytes = "reversed-bytes"

    let world: World
    private let nodes: Int
    private let plan: FaultPlan
    private let confuses: Bool
    private var random: RandomStream
    private var programs: [UTPProgram] = []
    /// When the last fault so far is over.
    private var wellSince = VirtualTime.zero
    /// Connections' ends with everything both ways, and without.
    private var (whole, lost) = (0, 0)
    private var bytes: Int64 = 0

    var faults: [Fault] { plan.faults }

    init(_ options: ScenarioOptions) {
        world = World(seed: options.seed)
        nodes = Self.nodes(options)
        confuses = options.defect == Self.reversedBytes
        random = world.stream("utp")
        plan = FaultPlan(
            options,
            FaultPlan.Bounds(hosts: 0..<nodes, count: 4, from: .seconds(5), until: .seconds(120))
        )
    }

    func run() -> [Figure] {
        let kinds: [AddressTranslation] = [.none, .none, .open, .cone, .symmetric]
        for number in 0..<nodes {
            let host = world.addHost()
            host.translation = kinds[number % kinds.count]
            host.line.uplink = 20_000 << random.below(6)
            host.line.lossPerMillion = 5_000
            programs.append(start(number))
        }
        for second in 1..<Int(Self.end.components.seconds) {
            world.plan(at: VirtualTime(.seconds(second))) { [self] in everySecond(second) }
        }
        plan.plan(in: world) { [self] fault in
            if case .powerFailure(let length) = fault.kind { failPower(fault.host, for: length) }
        }
        for fault in plan.faults { world.plan(at: VirtualTime(fault.time)) { [self] in hasTrouble(fault) } }
        world.run(until: VirtualTime(Self.end))
        for (number, program) in programs.enumerated() where world.violations.isEmpty && program.count > 0 {
            world.violate(.streamGetsOn, "\(program.count) connections are left", host: world.hosts[number])
        }
        return [
            Figure("nodes", nodes), Figure("events", world.eventCount), Figure("whole", whole),
            Figure("lost", lost), Figure("bytes", bytes),
        ]
    }

    private func start(_ number: Int) -> UTPProgram {
        let host = world.hosts[number]
        host.restartClock(at: random.time(below: .seconds(5000)))
        let program = UTPProgram(on: host, confuses: confuses, random: &random)
        program.onEnd = { [unowned self, unowned host] in ended($0, $1, host) }
        host.switchOn(program)
        return program
    }

    private func everySecond(_ second: Int) {
        for number in programs.indices where world.hosts[number].isOn {
            let program = programs[number]
            let listener = (second + number) % 2
            if second < Self.lastDial, program.transfers.count < 3, listener != number, random.below(4) == 0 {
                program.dial(world.hosts[listener].endpoint, length: 1 + random.below(200_000))
            }
            for id in program.open { checkProgress(program, id) }
        }
    }

    private func checkProgress(_ program: UTPProgram, _ id: UTPConnectionID) {
        guard let transfer = program.transfers[id],
            world.now - max(transfer.lastProgress, wellSince) > Self.patience
        else { return }
        let state = "\(transfer.arrived) of \(transfer.length) sent, \(transfer.received) received"
        world.violate(.streamGetsOn, "nothing for \(world.now - transfer.lastProgress): \(state)", host: program.host)
    }

    private func ended(_ transfer: UTPTransfer?, _ ending: UTPEnding, _ host: Host) {
        guard let transfer else { return }
        if transfer.isWhole { whole += 1 } else { lost += 1 }
        bytes += transfer.received
        // Who was never answered may have had bad luck three times; who was, not seven times.
        guard ending == .timedOut, transfer.arrived > 0, !transfer.isClosed, world.now - wellSince > Self.patience
        else {
            return
        }
        world.violate(.streamGetsOn, "given up after \(transfer.arrived) bytes", host: host)
    }

    // MARK: - Faults

    private func hasTrouble(_ fault: Fault) {
        let length: Duration
        switch fault.kind {
        case .powerFailure(let time), .partition(let time), .seclusion(let time), .wildLine(let time): length = time
        case .badLine(_, let time), .slowLine(_, let time): length = time
        case .clockJump, .disk: length = .zero
        }
        wellSince = max(wellSince, world.now + length)
    }

    private func failPower(_ number: Int, for length: Duration) {
        let host = world.hosts[number]
        guard host.isOn else { return }
        host.switchOff()
        world.plan(after: length) { [self] in programs[number] = start(number) }
    }
}
