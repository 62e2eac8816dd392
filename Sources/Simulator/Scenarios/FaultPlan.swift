// SPDX-License-Identifier: Apache-2.0

/// What goes wrong in a run, drawn from its seed, and how it is done.
struct FaultPlan {
    /// What a scenario lets go wrong.
    struct Bounds {
        /// Whom faults befall.
        var hosts: Range<Int>
        /// How many are drawn of all kinds alike, beside one each of those that the scenario is never without.
        var count: Int
        var from: Duration
        var until: Duration
        var hasDisks = false
        /// False where the scenario parts the network itself: a line that loses a lot is drawn instead.
        var hasPartitions = true
        /// Who reads a wall clock: nobody else's jumps. Where it is nil a line that becomes slow is drawn instead.
        var wallClocks: Range<Int>?
        /// Those who mislead the others: some host is left alone with them once.
        var liars: Range<Int>?
    }

    let faults: [Fault]
    private let omitted: Set<Int>
    private let liars: Range<Int>?

    init(_ options: ScenarioOptions, _ bounds: Bounds) {
        omitted = options.omitted
        liars = bounds.liars
        var random = RandomStream(seed: options.seed, "faults")
        var faults: [Fault] = []
        for _ in 0..<bounds.count {
            let time = bounds.from + random.time(below: bounds.until - bounds.from)
            let kind = Self.kind(bounds, using: &random)
            var hosts = bounds.hosts
            if case .clockJump = kind, let clocks = bounds.wallClocks { hosts = clocks }
            faults.append(Fault(time: time, kind: kind, host: random.below(hosts.count) + hosts.lowerBound))
        }
        faults.sort { $0.time < $1.time }
        self.faults = faults + Self.always(options, bounds)
    }

    private static func kind(_ bounds: Bounds, using random: inout RandomStream) -> Fault.Kind {
        let length = Duration.seconds(5 + random.below(40))
        switch random.below(bounds.hasDisks ? 7 : 4) {
        case 0: return .powerFailure(length)
        case 1 where bounds.hasPartitions: return .partition(length)
        case 1, 2: return .badLine(50_000 + random.below(250_000), length)
        case 3 where bounds.wallClocks == nil: return .slowLine(4_000 << random.below(5), length)
        case 3: return .clockJump(.seconds(random.below(7200) - 5400))
        case 4: return .disk(.full)
        case 5: return .disk(.lostSync)
        default: return .disk(.torn)
        }
    }

    /// From a stream of their own, so that the others are what they were before these were thought of.
    private static func always(_ options: ScenarioOptions, _ bounds: Bounds) -> [Fault] {
        var random = RandomStream(seed: options.seed, "further faults")
        var kinds: [Fault.Kind] = [
            .slowLine(4_000 << random.below(5), .seconds(5 + random.below(40))),
            .wildLine(.seconds(5 + random.below(40))),
        ]
        if bounds.hasDisks { kinds.append(.disk(.failing)) }
        if bounds.liars != nil { kinds.append(.seclusion(.seconds(20 + random.below(25)))) }
        return kinds.map { kind in
            let time = bounds.from + random.time(below: bounds.until - bounds.from)
            return Fault(time: time, kind: kind, host: random.below(bounds.hosts.count) + bounds.hosts.lowerBound)
        }
    }

    /// Plans them all, but for the omitted ones. `happen` does those that only the scenario can do: power and disks.
    func plan(in world: World, _ happen: @escaping (Fault) -> Void) {
        for (number, fault) in faults.enumerated() where !omitted.contains(number) {
            world.plan(at: VirtualTime(fault.time)) {
                world.note(fault.record)
                begin(fault, in: world, number: number, happen)
            }
        }
    }

    private func begin(_ fault: Fault, in world: World, number: Int, _ happen: (Fault) -> Void) {
        guard world.hosts.indices.contains(fault.host) else { return }
        let host = world.hosts[fault.host]
        switch fault.kind {
        case .powerFailure, .disk: happen(fault)
        case .partition(let length):
            var random = world.stream("partition", number)
            part(world.hosts.filter { $0 === host || random.below(2) == 0 }, number, for: length, in: world)
        case .seclusion(let length):
            part([host] + world.hosts.filter { liars?.contains($0.index) ?? false }, number, for: length, in: world)
        case .badLine(let loss, let length): host.worsen(for: length) { $0.lossPerMillion = loss }
        case .slowLine(let rate, let length):
            host.worsen(for: length) {
                $0.uplink = min($0.uplink, rate)
                $0.downlink = min($0.downlink, rate)
            }
        case .wildLine(let length):
            host.worsen(for: length) {
                $0.duplicatesPerMillion = 200_000
                $0.reorderedPerMillion = 200_000
                $0.jitter = .milliseconds(400)
            }
        case .clockJump(let jump): host.wallSkew += jump
        }
    }

    private func part(_ hosts: [Host], _ number: Int, for length: Duration, in world: World) {
        for host in hosts { host.island = number + 1 }
        world.plan(after: length) { for host in hosts where host.island == number + 1 { host.island = 0 } }
    }
}
