// SPDX-License-Identifier: Apache-2.0
internal import Kademlia
internal import Keys
internal import Wire

/// Somebody wants some items not to be found: what others put is to end with his nodes, and what others look for too.
///
/// 300 honest nodes; then 20 nodes of the attacker for each of 24 keys; then an honest node puts an item under each key,
/// and each is looked for from eight others. The attacker has won a search that does not find the item.
class KeyAttack: Scenario {
    class var name: String { "sybil" }
    class var summary: String {
        "20 nodes with ids of their choice around each of 24 keys, each in a network of its own"
    }
    class var defaultNodes: Int { 300 }
    class var fewestNodes: Int { 40 }
    class var mostNodes: Int { 2000 }
    class var defences: [String] { DHTDefence.allCases.map { $0.rawValue } }

    /// 24 where there are 240 nodes or more.
    private var keyCount: Int { min(24, nodes / 10) }
    static let sybilsOfKey = 20
    static let readersOfKey = 8

    let world: World
    let nodes: Int
    private let without: Set<DHTDefence>
    private(set) var random: RandomStream
    private var honest: [DHTProgram] = []
    private(set) var items: [MutableItem] = []
    private var keys: [SigningKey] = []
    /// By key.
    private(set) var sybils: [[SybilProgram]] = []
    private var searches = Share()
    /// Those begun: one that never ends has found nothing.
    private var started = 0
    private var stored = 0
    private var queries = 0
    private var took = Sample()

    required init(_ options: ScenarioOptions) {
        world = World(seed: options.seed)
        nodes = type(of: self).nodes(options)
        without = Set(options.without.compactMap { DHTDefence(rawValue: $0) })
        random = world.stream("attack")
    }

    func run() -> [Figure] {
        for number in 0..<nodes { world.plan(at: VirtualTime(.milliseconds(number * 200))) { [self] in place() } }
        world.run(until: VirtualTime(.seconds(120)))
        makeItems()
        attack()
        world.run(until: VirtualTime(.seconds(180)))
        for (number, item) in items.enumerated() {
            world.plan(after: .milliseconds(number * 500)) { [self] in publish(item) }
        }
        world.run(until: VirtualTime(.seconds(220)))
        for number in 0..<items.count * Self.readersOfKey {
            world.plan(after: .milliseconds(number * 100)) { [self] in read(items[number % items.count]) }
        }
        world.run(until: VirtualTime(.seconds(280)))
        return [
            Figure("nodes", nodes), Figure("events", world.eventCount), Figure("attacker-wins", lost.text),
            Figure("found", searches.text), Figure("stored-at-others", stored),
            Figure("queries-a-search", queries / max(searches.all, 1)),
            Figure("search-median-ms", took.milliseconds(percentile: 50)),
        ]
    }

    /// Searches that found nothing.
    var lost: Share { Share(good: started - searches.good, all: started) }

    // MARK: - The honest

    private func place() {
        let host = world.addHost()
        var configuration = DHTConfiguration(of: host)
        configuration.without = without
        let program = DHTProgram(on: host, configuration: configuration, seed: &random)
        host.switchOn(isTraitor(honest.count) ? traitor(program) : program)
        program.open(through: honest.prefix(3).map { $0.host.endpoint }, areRouters: false)
        honest.append(program)
    }

    private func makeItems() {
        for number in 0..<keyCount {
            var seed = world.stream("key", number)
            guard let key = SigningKey(seed: seed.bytes(32)),
                let item = try? MutableItem.signed(value: Array("4:true".utf8), sequence: 1, by: key)
            else { continue }
            keys.append(key)
            items.append(item)
        }
    }

    /// Somebody who is no traitor.
    private func anybody() -> DHTProgram {
        while true {
            let number = random.below(honest.count)
            if !isTraitor(number) { return honest[number] }
        }
    }

    private func publish(_ item: MutableItem) {
        anybody().start(.publish(.mutable(item))) { _ in
        } finish: { [self] outcome in
            if case .stored(let report, _) = outcome { stored += report.stored }
        }
    }

    private func read(_ item: MutableItem) {
        let began = world.now
        started += 1
        anybody().start(.getMutable(key: item.key, salt: [])) { _ in
        } finish: { [self] outcome in
            guard case .mutable(let report, let lookup) = outcome else { return }
            searches.add(report.item == item)
            queries += lookup.queries
            took.add(world.now - began)
        }
    }

    // MARK: - The attacker

    /// Whether the node of that number deceives; by default none of those that join does.
    func isTraitor(_ number: Int) -> Bool { false }
    var isGreeting: Bool { true }

    func traitor(_ program: DHTProgram) -> any Program {
        TraitorProgram(program) { [weak self] target in
            guard let self, let number = items.firstIndex(where: { $0.target == target }), number < sybils.count else {
                return nil
            }
            return like(number, target)
        }
    }

    private func like(_ number: Int, _ target: NodeID) -> [Contact] {
        sybils[number].map { $0.contact }.sorted { $0.id ^ target < $1.id ^ target }
    }

    /// Where the attacker's nodes for a key stand, and what they call themselves.
    func standing(near target: NodeID) -> [(address: IPAddress, id: NodeID)] {
        (0..<Self.sybilsOfKey).map { _ in (world.freshAddress(), chosen(near: target)) }
    }

    /// An id that shares the first 140 bits with the target.
    func chosen(near target: NodeID) -> NodeID {
        var bytes = target.bytes
        for index in 17..<bytes.count { bytes[index] = UInt8(truncatingIfNeeded: random.next()) }
        return NodeID(bytes) ?? target
    }

    /// Of all these addresses those whose ids can be nearest to the target, with the ids (BEP 42 leaves eight beginnings
    /// of 21 bits to each address).
    func fitting(_ addresses: [IPAddress], near target: NodeID) -> [(address: IPAddress, id: NodeID)] {
        var best: [(address: IPAddress, id: NodeID)] = []
        for address in addresses {
            let ids = (0..<40).map { _ in NodeID.secured(for: address, using: &random) }
            guard let id = ids.min(by: { $0 ^ target < $1 ^ target }) else { continue }
            best.append((address, id))
        }
        best.sort { $0.id ^ target < $1.id ^ target }
        return Array(best.prefix(Self.sybilsOfKey))
    }

    private func attack() {
        for (number, item) in items.enumerated() {
            let target = item.target
            sybils.append([])
            for (address, id) in standing(near: target) {
                let host = world.addHost(address: address)
                let program = SybilProgram(on: host, id: id) { [weak self] target in self?.like(number, target) ?? [] }
                host.switchOn(program)
                sybils[number].append(program)
            }
            guard isGreeting else { continue }
            greetNeighbours(of: target, sybils[number])
        }
    }

    /// All honest nodes that may come to ask hear of the attacker's; twice, for who asks back may be busy.
    private func greetNeighbours(of target: NodeID, _ sybils: [SybilProgram]) {
        let nearest = honest.sorted { $0.node.id ^ target < $1.node.id ^ target }.prefix(60)
        let others = (0..<60).map { _ in honest[random.below(honest.count)] }
        for (turn, sybil) in sybils.enumerated() {
            for time in [0, 25_000] {
                world.plan(after: .milliseconds(time + turn * 400)) {
                    for program in nearest + others { sybil.greet(program.host.endpoint) }
                }
            }
        }
    }
}

/// One /24 for each key, whose addresses are chosen so that ids fit.
final class NetworkSybil: KeyAttack {
    override class var name: String { "sybil-network" }
    override class var summary: String { "20 nodes with fitting ids around each of 24 keys, all of one /24" }

    override func standing(near target: NodeID) -> [(address: IPAddress, id: NodeID)] {
        guard case .v4(let base) = world.freshAddress() else { return [] }
        return fitting((1...254).map { .v4(base & 0xFFFF_FF00 | $0) }, near: target)
    }
}

/// A fifth of all nodes are traitors: they send who looks for the keys to nodes that nobody else knows, with ids of
/// their choice.
class ListEclipse: KeyAttack {
    override class var name: String { "eclipse" }
    override class var summary: String { "a fifth of the nodes send searches for 24 keys to 20 confederates each" }

    override func isTraitor(_ number: Int) -> Bool { number > 3 && number % 5 == 0 }
    override var isGreeting: Bool { false }
}

/// The same with confederates whose ids fit: the best of 300 addresses for each key, as many as there are honest nodes.
final class RichEclipse: ListEclipse {
    override class var name: String { "eclipse-rich" }
    override class var summary: String { "eclipse with the 20 best of 300 addresses for each key, whose ids fit" }

    override func standing(near target: NodeID) -> [(address: IPAddress, id: NodeID)] {
        fitting((0..<300).map { _ in world.freshAddress() }, near: target)
    }
}
