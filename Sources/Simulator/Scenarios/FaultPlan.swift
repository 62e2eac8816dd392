// SPDX-License-Identifier: Apache-2.0

/// What goes wrong in a run, drawn from its seed, and how it is done.
struct FaultPlan {
    let faults: [Fault]
    private let omitted: Set<Int>

    /// `count` faults between `from` and `until` on hosts `hosts`, of the kinds that the scenario knows.
    init(
        _ options: ScenarioOptions,
        hosts: Range<Int>,
        count: Int,
        from: Duration,
        until: Duration,
        withDisks: Bool
    ) {
        omitted = options.omitted
        var random = RandomStream(seed: options.seed, "faults")
        var faults: [Fault] = []
        for _ in 0..<count {
            let time = from + random.time(below: until - from)
            let length = Duration.seconds(5 + random.below(40))
            let kind: Fault.Kind
            switch random.below(withDisks ? 7 : 4) {
            case 0: kind = .powerFailure(length)
            case 1: kind = .partition(length)
            case 2: kind = .badLine(50_000 + random.below(250_000), length)
            case 3: kind = .clockJump(.seconds(random.below(7200) - 5400))
            case 4: kind = .disk(.full)
            case 5: kind = .disk(.lostSync)
            default: kind = .disk(.torn)
            }
            faults.append(Fault(time: time, kind: kind, host: hosts.lowerBound + random.below(hosts.count)))
        }
        self.faults = faults.sorted { $0.time < $1.time }
    }

    /// Plans them all, but for the omitted ones. `happen` does those that only the scenario can do: power and disks.
    func plan(in world: World, _ happen: @escaping (Fault) -> Void) {
        for (number, fault) in faults.enumerated() where !omitted.contains(number) {
            world.plan(at: VirtualTime(fault.time)) {
                world.note("\(fault)")
                Self.begin(fault, in: world, number: number, happen)
            }
        }
    }

    private static func begin(_ fault: Fault, in world: World, number: Int, _ happen: (Fault) -> Void) {
        guard world.hosts.indices.contains(fault.host) else { return }
        let host = world.hosts[fault.host]
        switch fault.kind {
        case .powerFailure, .disk: happen(fault)
        case .partition(let length):
            var random = world.stream("partition", number)
            let others = world.hosts.filter { $0 === host || random.below(2) == 0 }
            for other in others { other.island = number + 1 }
            world.plan(after: length) { for other in others where other.island == number + 1 { other.island = 0 } }
        case .badLine(let loss, let length):
            let before = host.line.lossPerMillion
            host.line.lossPerMillion = loss
            world.plan(after: length) { host.line.lossPerMillion = before }
        case .clockJump(let jump): host.wallSkew += jump
        }
    }
}
