// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Kademlia
internal import Wire

/// A network is parted for one to eight minutes and heals; a site is published on one side meanwhile.
///
/// The nodes have the DHT's machine and the site exchange's: they find each other and the site by the DHT alone, and
/// whoever reads the site opens it every 20 s. A reader comes on the far side while the network is parted, and knows
/// nobody on the other one.
///
/// Held after every event: what ``SiteWitness`` looks at, the DHT's bounds, a timer; after every read of the DHT: no
/// older item than one that was seen before.
/// Held when the network heals: the owner's side has what was published until ``spreading`` before; everybody on the
/// other side has what there was when the network was parted, the newcomer too.
/// Held ``healing`` after that: everybody has the newest state, and was given the newest item by the DHT.
final class PartitionHeal: Scenario {
    static let name = "partition-heal"
    static let summary = "a site goes on on one side of a parted network, and everybody has its newest soon after"
    static let defaultNodes = 24
    static let fewestNodes = 10
    static let mostNodes = 100
    static let defects = DHTDefect.allCases.map { $0.rawValue }
    /// One run takes as long as four of the others: `make sim` runs some seeds of it by its name.
    static let isFaultScenario = false

    /// Within which everybody who opens the site has its newest state when the network has healed.
    static let healing = Duration.seconds(120)
    /// Within which a new state has come to all on its publisher's side.
    static let spreading = Duration.seconds(60)
    private static let openInterval = 20
    private static let parting = Duration.seconds(90)
    private static let island = 1000

    let world: World
    private let plan: FaultPlan
    private let nodes: Int
    private let origin: ContinuousClock.Instant
    private let owner: SiteOwner?
    private let heals: Duration
    private let defect: DHTDefect?
    private var random: RandomStream
    private var far: Set<Int> = []
    private var disks: [SiteDisk] = []
    private var states: [DHTState?] = []
    private var programs: [NodeProgram?] = []
    private var witnesses: [SiteWitness] = []
    /// The highest number of a pointer that each has been given and has saved, or has been given since its start.
    private var seen: [Int64] = []
    /// What was newest at a time.
    private var published: [(time: VirtualTime, head: SignedHead)] = []
    private var headAtParting: SignedHead?
    private var lastReads: [Int64?] = []

    var faults: [Fault] { plan.faults }

    init(_ options: ScenarioOptions) {
        world = World(seed: options.seed)
        nodes = Self.nodes(options)
        origin = options.origin
        defect = options.defect.flatMap { DHTDefect(rawValue: $0) }
        random = world.stream("healing")
        owner = SiteOwner(random: &random)
        heals = Self.parting + .seconds(60 << random.below(4))
        var bounds = FaultPlan.Bounds(hosts: 1..<nodes - 1, count: 4, from: .seconds(30), until: heals - .seconds(60))
        bounds.hasPartitions = false
        plan = FaultPlan(options, bounds)
    }

    /// It comes while the network is parted.
    private var newcomer: Int { nodes - 1 }
    private var end: Duration { heals + Self.healing }

    func run() -> [Figure] {
        guard let owner else { return [] }
        for number in 0..<nodes {
            _ = world.addHost()
            disks.append(SiteDisk(random: world.stream("disk", number)))
            witnesses.append(SiteWitness())
            (states, seen, lastReads) = (states + [nil], seen + [-1], lastReads + [nil])
            programs.append(nil)
        }
        // Of the first three, by whom all enter, one stays with the owner and one does not.
        far = Set((2..<nodes - 1).filter { $0 == 2 || $0 > 3 && random.below(2) == 0 } + [newcomer])
        world.nameUsers()
        world.onTouch = { [unowned self] host in check(host) }
        for number in 0..<newcomer { start(number, owner) }
        planPublications(owner)
        world.plan(at: VirtualTime(Self.parting)) { [self] in part(owner) }
        world.plan(at: VirtualTime(heals)) { [self] in heal() }
        for second in 1..<Int(end.components.seconds) {
            world.plan(at: VirtualTime(.seconds(second))) { [self] in everySecond(second) }
        }
        plan.plan(in: world) { [self] fault in
            if case .powerFailure(let length) = fault.kind { failPower(of: fault.host, for: length) }
        }
        world.run(until: VirtualTime(end))
        if world.violations.isEmpty { checkEnd() }
        return figures
    }

    // MARK: - Nodes

    private func start(_ number: Int, _ owner: SiteOwner) {
        let host = world.hosts[number]
        host.restartClock(at: random.time(below: .seconds(1000)))
        var configuration = DHTConfiguration(of: host)
        configuration.defect = defect
        let dht = DHTProgram(on: host, id: states[number]?.id, configuration: configuration, seed: &random)
        if let state = states[number] { dht.restore(state) }
        let disk = disks[number]
        let site = SiteProgram(on: host, owner, disk: disk, wrong: .none, defect: nil, origin: origin, random: &random)
        let program = NodeProgram(dht, site, owner: owner, isOwner: number == 0)
        programs[number] = program
        host.switchOn(program)
        let entrances = world.hosts.prefix(3).filter { $0 !== host && $0.island == host.island }
        dht.open(through: entrances.map { $0.endpoint }, areRouters: false)
        program.tell()
    }

    private func failPower(of number: Int, for length: Duration) {
        let host = world.hosts[number]
        guard host.isOn, let owner, let program = programs[number] else { return }
        program.site.powerLost()
        host.switchOff()
        programs[number] = nil
        disks[number].powerLost()
        seen[number] = states[number]?.floors.map { $0.sequence }.max() ?? -1
        world.plan(after: length) { [self] in start(number, owner) }
    }

    // MARK: - What happens

    private func planPublications(_ owner: SiteOwner) {
        publish(at: 5) { owner.begin(time: $1) }
        for second in stride(from: 25, to: Int(heals.components.seconds), by: 35) {
            publish(at: second) { feed, time in feed.flatMap { owner.extended($0, "release \(second)", time: time) } }
        }
    }

    private func publish(at second: Int, _ make: @escaping (SiteFeed?, Int64) -> SiteFeed?) {
        world.plan(at: VirtualTime(.seconds(second))) { [self] in
            let time = world.hosts[0].wallTime.components.seconds
            programs[0]?.site.publish { make($0, time) }
        }
        world.plan(at: VirtualTime(.seconds(second + 1))) { [self] in
            guard let head = programs[0]?.site.feed?.head else { return }
            published.append((world.now, head))
        }
    }

    private func part(_ owner: SiteOwner) {
        headAtParting = newest(before: VirtualTime(Self.parting - Self.spreading))
        for number in far.sorted() { world.hosts[number].island = Self.island }
        world.note("parted for \((heals - Self.parting).components.seconds) s")
        world.plan(after: .seconds(10)) { [self] in start(newcomer, owner) }
    }

    private func heal() {
        for number in 1..<nodes {
            let isFar = far.contains(number)
            let head = isFar ? headAtParting : newest(before: VirtualTime(heals - Self.spreading))
            guard let due = head else { continue }
            let size = programs[number]?.site.feed?.head.size ?? 0
            guard world.hosts[number].isOn, size < due.size else { continue }
            let place = isFar ? "the far side" : "the owner's side"
            world.violate(.newestIsFound, "\(size) of \(due.size) entries on \(place)", host: world.hosts[number])
        }
        for host in world.hosts { host.island = 0 }
        world.note("healed")
    }

    private func newest(before time: VirtualTime) -> SignedHead? { published.last { $0.time <= time }?.head }

    private func everySecond(_ second: Int) {
        for number in programs.indices {
            guard let program = programs[number], world.hosts[number].isOn else { continue }
            program.tell()
            if (second + number) % 10 == 0 { states[number] = DHTState(parsing: program.dht.node.state.encoded) }
            guard number > 0, (second + number) % Self.openInterval == 0 else { continue }
            let host = world.hosts[number]
            let incarnation = host.incarnation
            program.open { [self] item in
                if host.incarnation == incarnation { hasRead(number, item, host) }
            }
        }
    }

    // MARK: - What must hold

    private func hasRead(_ number: Int, _ item: MutableItem?, _ host: Host) {
        lastReads[number] = item?.sequence
        guard let sequence = item?.sequence else { return }
        if sequence < seen[number] { world.violate(.neverOlder, "\(sequence) after \(seen[number])", host: host) }
        seen[number] = max(seen[number], sequence)
    }

    private func check(_ host: Host) {
        guard let program = programs[host.index], host.isOn else { return }
        witnesses[host.index].check(program.site)
    }

    private func checkEnd() {
        guard let newest = programs[0]?.site.feed?.head, let item = programs[0]?.pointer else {
            return world.violate(.newestIsFound, "the owner has nothing", host: world.hosts[0])
        }
        for number in 1..<nodes where world.violations.isEmpty {
            let host = world.hosts[number]
            let size = programs[number]?.site.feed?.head.size ?? 0
            if programs[number]?.head != newest.hash {
                world.violate(.newestIsFound, "\(size) of \(newest.size) entries", host: host)
            } else if lastReads[number] != item.sequence {
                let read = lastReads[number].map { "\($0)" } ?? "nothing"
                world.violate(.newestIsFound, "the DHT gave \(read), newest is \(item.sequence)", host: host)
            }
        }
    }

    private var figures: [Figure] {
        let newest = programs[0]?.head
        return [
            Figure("nodes", nodes), Figure("far", far.count), Figure("events", world.eventCount),
            Figure("parted", "\((heals - Self.parting).components.seconds) s"),
            Figure("newest", "\((1..<nodes).count { programs[$0]?.head == newest })/\(nodes - 1)"),
        ]
    }
}
