// SPDX-License-Identifier: Apache-2.0
internal import Kademlia
internal import Keys
internal import Wire

/// A zone whose nodes tell all others where they are reached (S3-011), on lines that lose, while nodes come and go.
///
/// 2n nodes, the last two of which come when the faults are over. From 30 seconds after it came until it goes, n nodes or more hold
/// the record of each, checked once a second. Then one of them goes without a word and the other with one: when the life of the
/// last record is over nobody holds either (small and very large runs look at that with every fourth seed).
final class ZoneAnnounce: Scenario {
    static let name = "zone-announce"
    static let summary = "everybody in a zone is to know everybody's address, and to forget who has gone"
    static let defaultNodes = 256
    static let fewestNodes = 12
    static let mostNodes = 1024
    static let nodeStep = 2
    static let isFaultScenario = true

    private static let network = Array("zone".utf8)
    private static let entrances = 4
    /// Thousandths of all nodes replaced in a minute.
    private static let churn = 100

    private struct Member {
        var program: DHTProgram
        var key: PublicKey?
        var since: VirtualTime
    }

    let world: World
    private let nodes: Int
    /// Whether it is waited for until the record of who went without a word must be forgotten.
    private let isLong: Bool
    private let plan: FaultPlan
    private var random: RandomStream
    private var members: [Member] = []
    private let shelf = RecordShelf()
    /// How many hold the record of a newcomer, and when half and all of them did first.
    private var half: [Duration?] = [nil, nil]
    private var whole: [Duration?] = [nil, nil]
    private var fewest = Int.max
    /// Five seconds after it came, how many nodes that had been there for half a minute lack a newcomer's record (S3-150).
    private var without: [Int?] = [nil, nil]
    private var cost = (bytes: 0, seconds: 0, most: 0)

    var faults: [Fault] { plan.faults }

    init(_ options: ScenarioOptions) {
        world = World(seed: options.seed)
        nodes = Self.nodes(options)
        // Small runs are made for many seeds, and most of this time nothing happens; of large ones each minute takes minutes.
        isLong = (Self.fewestNodes + 1...512).contains(nodes) || options.seed % 4 == 1
        random = world.stream("zone")
        let hosts = Self.entrances..<nodes - 2
        var bounds = FaultPlan.Bounds(hosts: hosts, count: 4, from: .seconds(40), until: .seconds(70))
        // Records say until when they count.
        bounds.wallClocks = hosts
        plan = FaultPlan(options, bounds)
    }

    // MARK: - The course

    /// The faults are over, and what they held up has been made good.
    private static let arrival = Duration.seconds(150)
    private static let stay = Duration.seconds(60)

    func run() -> [Figure] {
        for number in 0..<nodes - 2 {
            world.plan(at: VirtualTime(.seconds(30) * number / nodes)) { [self] in enter() }
        }
        plan.plan(in: world) { [self] fault in
            guard case .powerFailure(let length) = fault.kind, members.indices.contains(fault.host),
                members[fault.host].program.host.isOn
            else { return }
            members[fault.host].program.host.switchOff()
            world.plan(after: length) { [self] in restart(fault.host) }
        }
        let life = Self.life(nodes)
        let end = Self.arrival + Self.stay + (isLong ? life + .seconds(10) : .seconds(31))
        let replaced = Self.churn * nodes * Int(end.inNanoseconds / 1_000_000_000) / 60 / 1000
        for number in 0..<replaced {
            world.plan(at: VirtualTime(.seconds(60) + (end - .seconds(60)) * number / replaced)) { [self] in replace() }
        }
        world.plan(at: VirtualTime(Self.arrival)) { [self] in
            for _ in 0..<2 { enter() }
        }
        for second in 1...Int(Self.stay.inNanoseconds / 1_000_000_000) * 4 {
            world.plan(at: VirtualTime(Self.arrival + .milliseconds(250 * second - 1))) { [self] in poll() }
        }
        world.plan(at: VirtualTime(Self.arrival + .seconds(30))) { [self] in measure(begins: true) }
        world.plan(at: VirtualTime(Self.arrival + Self.stay)) { [self] in
            measure(begins: false)
            leave()
        }
        var afterWord = 0
        world.plan(at: VirtualTime(Self.arrival + Self.stay + .seconds(30))) { [self] in
            afterWord = holders(of: nodes - 1)
        }
        world.run(until: VirtualTime(end))
        for number in nodes - 2..<nodes where isLong && world.violations.isEmpty && holders(of: number) > 0 {
            world.violate(.zoneForgetsMember, "\(holders(of: number)) still hold the record of node \(number)")
        }
        return figures(life: life, afterWord: afterWord)
    }

    /// The longest that a record signed in a zone of so many counts.
    private static func life(_ nodes: Int) -> Duration {
        // Records of those who have been replaced are still held.
        min(max(.milliseconds(300) * (nodes * 2), .seconds(60)), .seconds(300)) * 3
    }

    private func figures(life: Duration, afterWord: Int) -> [Figure] {
        let times = { (times: [Duration?]) in
            times.map { $0.map { String($0.inNanoseconds / 1_000_000) } ?? "never" }.joined(separator: " ")
        }
        let seconds = max(cost.seconds, 1)
        return [
            Figure("nodes", nodes), Figure("events", world.eventCount),
            Figure("half-hold-after-ms", times(half)),
            Figure("99-of-100-hold-after-ms", times(whole)),
            Figure("settled-without-after-5s", without.map { $0.map { "\($0)" } ?? "?" }.joined(separator: " ")),
            Figure("fewest-from-30s", "\(fewest) of \(nodes), half is \(nodes / 2)"),
            Figure("held-30s-after-parting-word", afterWord),
            Figure("forgotten-within-s", life.inNanoseconds / 1_000_000_000),
            Figure("bytes-a-second-of-a-node", cost.bytes / seconds / max(members.count, 1)),
            Figure("bytes-a-second-of-the-busiest", cost.most / seconds),
        ]
    }

    // MARK: - Nodes

    private func configuration(of host: Host) -> DHTConfiguration {
        var configuration = DHTConfiguration(of: host)
        var zone = ZoneConfiguration(network: Self.network)
        zone.read = { [shelf] in shelf.record($0) }
        configuration.zone = zone
        return configuration
    }

    private func enter() {
        let host = world.addHost()
        // Each line loses one datagram in a hundred, every eighth one in twenty.
        host.line.lossPerMillion = members.count % 8 == 7 ? 50_000 : 10_000
        members.append(start(on: host))
    }

    private func start(on host: Host, as known: SigningKey? = nil) -> Member {
        host.restartClock(at: random.time(below: .seconds(1000)))
        let program = DHTProgram(on: host, configuration: configuration(of: host), seed: &random)
        let key = known ?? SigningKey(seed: random.bytes(32))
        program.peerKey = key
        program.zoneNetwork = Self.network
        host.switchOn(program)
        let others = members.prefix(Self.entrances).map { $0.program.host.endpoint }
        program.open(through: others.filter { $0 != host.endpoint }, areRouters: false)
        return Member(program: program, key: key?.publicKey, since: world.now)
    }

    /// The same node comes back, with its key and an empty memory.
    private func restart(_ number: Int) {
        let host = members[number].program.host
        let key = members[number].program.peerKey
        members[number] = start(on: host, as: key)
    }

    /// A node leaves without a word and another comes somewhere else.
    private func replace() {
        let number = Self.entrances + random.below(max(nodes - 2 - Self.entrances, 1))
        guard members.indices.contains(number), members[number].program.host.isOn else { return }
        let host = members[number].program.host
        host.switchOff()
        world.move(host)
        members[number] = start(on: host)
    }

    private func leave() {
        guard members.count == nodes else { return }
        members[nodes - 1].program.part()
        // Its last words are on their way.
        for number in nodes - 2..<nodes { members[number].program.host.switchOff() }
    }

    // MARK: - What must hold

    /// Of the others that are on.
    private func holders(of number: Int) -> Int { holders(of: number, among: Array(members.indices)) }

    private func holders(of number: Int, among others: [Int]) -> Int {
        guard members.indices.contains(number), let key = members[number].key else { return 0 }
        let endpoint = members[number].program.host.endpoint
        return others.reduce(0) { count, other in
            let program = members[other].program
            guard other != number, program.host.isOn,
                let record = program.node.zoneRecord(of: key, now: program.host.now)
            else { return count }
            return count + (record.endpoints == [endpoint] ? 1 : 0)
        }
    }

    /// Those who are on and had been for half a minute when the newcomers came.
    private var settled: [Int] {
        members.indices.filter {
            members[$0].program.host.isOn && members[$0].since <= VirtualTime(Self.arrival - .seconds(30))
        }
    }

    private func poll() {
        let passed = world.now - VirtualTime(Self.arrival)
        for index in 0..<2 {
            let count = holders(of: nodes - 2 + index)
            if half[index] == nil, count >= nodes / 2 { half[index] = passed }
            if whole[index] == nil, count * 100 >= (nodes - 1) * 99 { whole[index] = passed }
            if without[index] == nil, passed > .seconds(5) - .milliseconds(2) {
                without[index] = settled.count - holders(of: nodes - 2 + index, among: settled)
            }
            guard passed > .seconds(30) - .milliseconds(2) else { continue }
            fewest = min(fewest, count)
            if count < nodes / 2 {
                world.violate(.zoneKnowsMember, "\(count) of \(nodes) hold the record of node \(nodes - 2 + index)")
            }
        }
    }

    private var before: [(sent: Int, bytes: Int)] = []

    private func measure(begins: Bool) {
        let now = members.map { member -> (sent: Int, bytes: Int) in
            let counts = member.program.node.zoneCounts
            return (counts?.sent ?? 0, counts?.sentBytes ?? 0)
        }
        guard !begins else {
            before = now
            return
        }
        cost.seconds = Int((Self.stay - .seconds(30)).inNanoseconds / 1_000_000_000)
        for (old, new) in zip(before, now) where new.sent >= old.sent {
            let bytes = new.bytes - old.bytes + 28 * (new.sent - old.sent)
            cost.bytes += bytes
            cost.most = max(cost.most, bytes)
        }
    }
}
