// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Wire

/// A site that changes, its readers, and peers that forge its heads, show old ones, are silent and slow, while power, lines
/// and disks fail.
///
/// Held after every event (``SiteWitness``): no reader's state is lower than one that its disk has accepted, also after it
/// removed the site; every head kept was signed with the site's key; keys and release numbers mean what they meant; what
/// proves a theft is kept, and stays; what is stored proves itself when it is read again; no directory node is shown that is not
/// the owner's; no queue of a session is above its bound, and every connection has a timer.
/// Held at the end: every reader has the newest state.
class FeedFaults: Scenario {
    class var name: String { "feed-faults" }
    class var summary: String { "a site's readers among forged and old heads while power, lines and disks fail" }
    class var defaultNodes: Int { 13 }
    class var fewestNodes: Int { 10 }
    class var mostNodes: Int { 60 }
    class var defects: [String] { [FeedDefect.acceptsLowerHead.rawValue] }
    class var isFaultScenario: Bool { true }
    /// A thief signs another history with the site's key, and the owner takes the site back.
    class var hasThief: Bool { false }

    private static let end = Duration.seconds(330)
    private static let lastPublication = 170

    let world: World
    private let plan: FaultPlan
    private let nodes: Int
    private let defect: FeedDefect?
    private let origin: ContinuousClock.Instant
    private let owner: SiteOwner?
    private var random: RandomStream
    private var disks: [SiteDisk] = []
    private var programs: [SiteProgram] = []
    private var witnesses: [SiteWitness] = []
    private var publications = 0
    /// Those that have not reached the owner's disk.
    private var unpublished: Set<Int> = []
    private var lies = 0
    private var adoptions = 0

    var faults: [Fault] { plan.faults }

    required init(_ options: ScenarioOptions) {
        world = World(seed: options.seed)
        nodes = type(of: self).nodes(options)
        defect = options.defect.flatMap { FeedDefect(rawValue: $0) }
        origin = options.origin
        random = world.stream("feeds")
        owner = SiteOwner(random: &random)
        var bounds = FaultPlan.Bounds(hosts: 0..<nodes - 5, count: 7, from: .seconds(15), until: .seconds(160))
        bounds.hasDisks = true
        // Who publishes says when.
        bounds.wallClocks = 0..<1
        bounds.liars = nodes - 3..<nodes
        plan = FaultPlan(options, bounds)
    }

    private func wrong(_ number: Int) -> SiteWrong {
        switch nodes - number {
        case 1: .forges
        case 2: .replays
        case 3: type(of: self).hasThief ? .stole : .replays
        case 4: .silent
        case 5: .slow
        default: .none
        }
    }

    private var readers: Range<Int> { 1..<nodes - 5 }

    func run() -> [Figure] {
        guard let owner else { return [] }
        for number in 0..<nodes {
            let host = world.addHost()
            // Two readers whom nobody reaches: they hear what they ask for.
            if number == 2 || number == 3 { host.translation = number == 2 ? .cone : .symmetric }
            if wrong(number) == .slow { host.line.uplink = 300 }
            disks.append(SiteDisk(random: world.stream("disk", number)))
            witnesses.append(SiteWitness())
            programs.append(start(number, owner))
        }
        world.nameUsers()
        world.onTouch = { [unowned self] host in
            if wrong(host.index) == .none { witnesses[host.index].check(programs[host.index]) }
        }
        planPublications(owner)
        // The site is removed, and visited again later.
        for reader in readers where random.below(2) == 0 {
            remove(reader, at: VirtualTime(.seconds(40 + random.below(110))))
        }
        let seconds = Int(Self.end.components.seconds)
        for second in 1..<seconds { world.plan(at: VirtualTime(.seconds(second))) { [self] in everySecond(second) } }
        plan.plan(in: world) { [self] fault in happen(fault) }
        world.run(until: VirtualTime(Self.end))
        if world.violations.isEmpty { checkEnd() }
        return figures
    }

    private func start(_ number: Int, _ owner: SiteOwner) -> SiteProgram {
        let host = world.hosts[number]
        host.restartClock(at: random.time(below: .seconds(1000)))
        let program = SiteProgram(
            on: host,
            owner,
            disk: disks[number],
            wrong: wrong(number),
            defect: wrong(number) == .none ? defect : nil,
            origin: origin,
            random: &random
        )
        host.switchOn(program)
        return program
    }

    // MARK: - What the owner and a thief do

    private func planPublications(_ owner: SiteOwner) {
        publish(at: 2) { _, time in owner.begin(time: time) }
        for second in stride(from: 20, through: Self.lastPublication, by: 15) {
            let isRotation = second == 95
            publish(at: second) { feed, time in
                guard let feed else { return nil }
                return isRotation
                    ? owner.rotated(feed, time: time) : owner.extended(feed, "release \(second)", time: time)
            }
        }
        guard type(of: self).hasThief else { return }
        let thief = nodes - 3
        let (length, back) = (1 + random.below(6), random.below(3))
        world.plan(at: VirtualTime(.seconds(60 + random.below(60)))) { [self] in
            guard let feed = programs[0].feed else { return }
            let time = world.hosts[thief].wallTime.components.seconds
            programs[thief].publish { _ in
                owner.forked(feed, at: max(2, feed.log.size - back), longer: length, time: time)
            }
        }
        publish(at: Self.lastPublication + 5) { feed, time in
            feed.flatMap { owner.recovered($0, to: $0.log.size - 1, time: time) }
        }
    }

    /// Again every five seconds while the owner's computer is off, its disk takes nothing, or power fails over it.
    private func publish(at second: Int, _ make: @escaping (SiteFeed?, Int64) -> SiteFeed?) {
        world.plan(at: VirtualTime(.seconds(second))) { [self] in
            let host = world.hosts[0]
            guard host.isOn, disks[0].takesWrites else { return publish(at: second + 5, make) }
            let number = publications
            publications += 1
            unpublished.insert(number)
            programs[0].publish {
                make($0, host.wallTime.components.seconds)
            } done: { [self] in
                unpublished.remove(number)
            }
            world.plan(after: .seconds(1)) { [self] in
                if unpublished.remove(number) != nil { publish(at: second + 5, make) }
            }
        }
    }

    /// When its computer is on.
    private func remove(_ reader: Int, at time: VirtualTime) {
        world.plan(at: time) { [self] in
            guard world.hosts[reader].isOn else { return remove(reader, at: time + .seconds(5)) }
            programs[reader].remove()
        }
    }

    private func everySecond(_ second: Int) {
        for number in programs.indices where world.hosts[number].isOn {
            if number == nodes - 2 || (number == nodes - 3 && !type(of: self).hasThief) { learnOldState(number) }
            guard number > 0, wrong(number) == .none || wrong(number) == .forges else { continue }
            if (second + number) % 15 == 0 {
                let others = (0..<4).map { _ in random.below(nodes) }.filter { $0 != number }
                let newest = random.below(2) == 0 ? programs[0].feed?.head.hash : nil
                programs[number].look(among: others.map { world.hosts[$0].endpoint }, promised: newest)
            }
            if (second + number) % 20 == 2 { programs[number].readDirectory() }
        }
    }

    /// Who shows an old state takes it once, from the owner.
    private func learnOldState(_ number: Int) {
        guard programs[number].feed == nil, let feed = programs[0].feed, feed.log.size >= 2 else { return }
        programs[number].publish { $0 ?? feed }
    }

    // MARK: - Faults

    private func happen(_ fault: Fault) {
        let host = world.hosts[fault.host]
        switch fault.kind {
        case .powerFailure(let length): failPower(of: host, for: length)
        // An owner whose disk forgets what it has signed forks the site: nothing but the disk could prevent that.
        case .disk(.lostSync) where fault.host == 0: failPower(of: host, for: .seconds(1))
        case .disk(let trouble):
            world.befall(disks[fault.host], trouble) { [self] in failPower(of: host, for: $0) }
        default: break
        }
    }

    private func failPower(of host: Host, for length: Duration) {
        guard host.isOn, let owner else { return }
        let number = host.index
        count(number)
        programs[number].powerLost()
        host.switchOff()
        let loses = disks[number].written != disks[number].synced
        disks[number].powerLost()
        if loses { witnesses[number].forget(but: disks[number].synced) }
        world.plan(after: length) { [self] in programs[number] = start(number, owner) }
    }

    private func count(_ number: Int) {
        lies += programs[number].lies
        adoptions += programs[number].adoptions
        programs[number].lies = 0
        programs[number].adoptions = 0
    }

    // MARK: - What must hold

    private func checkEnd() {
        guard let newest = programs[0].feed?.head else {
            return world.violate(.newestIsFound, "the owner has nothing", host: world.hosts[0])
        }
        for reader in readers where programs[reader].feed?.head.hash != newest.hash {
            let size = programs[reader].feed?.log.size ?? 0
            world.violate(.newestIsFound, "\(size) of \(newest.size) entries", host: world.hosts[reader])
        }
    }

    private var figures: [Figure] {
        for number in readers { count(number) }
        let newest = programs[0].feed?.head.hash
        return [
            Figure("nodes", nodes), Figure("events", world.eventCount),
            Figure("newest", "\(readers.count { programs[$0].feed?.head.hash == newest })/\(readers.count)"),
            Figure("adoptions", adoptions), Figure("lies-refused", lies),
            Figure("evidence", readers.reduce(0) { $0 + disks[$1].written.evidence.count }),
            Figure("proofs", readers.reduce(0) { $0 + witnesses[$1].evidenceCount }),
        ]
    }
}

/// The same with a thief of the site's key, who signs another history; the owner takes the site back in the end.
final class FeedFork: FeedFaults {
    override class var name: String { "feed-fork" }
    override class var summary: String { "a thief signs another history, and the owner takes the site back" }
    override class var defects: [String] { FeedDefect.allCases.map { $0.rawValue } }
    override class var hasThief: Bool { true }
}
