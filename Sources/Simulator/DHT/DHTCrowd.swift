// SPDX-License-Identifier: Apache-2.0
internal import Kademlia
internal import Keys
internal import Wire

/// Many DHT nodes, the entrances that they come in by, and what they publish.
final class DHTCrowd {
    /// A place that a node stands in until another takes it.
    struct Slot {
        var program: DHTProgram
        var began: VirtualTime
        /// The torrent that it announces.
        var torrent: Int?
        var isReadOnly: Bool
    }

    static let entranceCount = 8
    static let itemCount = 50

    let world: World
    let nodes: Int
    let torrents: [Digest160]
    private(set) var slots: [Slot?]
    private(set) var entrances: [Host] = []
    /// Items whose publishers stay on.
    private(set) var items: [MutableItem] = []
    private var random: RandomStream

    init(_ world: World, nodes: Int) {
        self.world = world
        self.nodes = nodes
        random = world.stream("crowd")
        slots = Array(repeating: nil, count: nodes)
        var names = world.stream("torrents")
        torrents = (0..<max(nodes / 50, 1)).map { _ in Digest160.random(using: &names) }
    }

    var entranceEndpoints: [Endpoint] { entrances.map { $0.endpoint } }

    /// Lets the entrances in at once, and the nodes one after the other over a time.
    func open(over time: Duration) {
        for _ in 0..<Self.entranceCount {
            let host = world.addHost()
            entrances.append(host)
            host.line.uplink = 125_000_000
            let program = DHTProgram(on: host, configuration: configuration(of: host), seed: &random)
            host.switchOn(program)
            program.open(through: entranceEndpoints, areRouters: false)
        }
        for number in 0..<nodes {
            world.plan(after: time * number / nodes) { [self] in
                place(in: number, on: world.addHost())
                if number < Self.itemCount { publishItem(number) }
            }
        }
    }

    private func configuration(of host: Host, knowsAddress: Bool = true) -> DHTConfiguration {
        var configuration = DHTConfiguration(of: host, knowsAddress: knowsAddress)
        configuration.version = Array("RO".utf8) + [0, 1]
        return configuration
    }

    /// The node in that place leaves without a word, and a new one comes somewhere else. Publishers of items stay.
    func replace(_ number: Int) {
        guard let slot = slots[number], number >= Self.itemCount else { return }
        let host = slot.program.host
        host.switchOff()
        world.move(host)
        place(in: number, on: host)
    }

    private func place(in number: Int, on host: Host) {
        let kind = number < Self.itemCount ? 9 : random.below(10)
        host.translation = kind == 0 ? .symmetric : kind < 3 ? .cone : .none
        var own = configuration(of: host, knowsAddress: false)
        own.isReadOnly = kind == 0
        host.restartClock(at: random.time(below: .seconds(100_000)))
        let program = DHTProgram(on: host, configuration: own, seed: &random)
        host.switchOn(program)
        let torrent = random.below(5) < 2 ? random.below(torrents.count) : nil
        slots[number] = Slot(program: program, began: world.now, torrent: torrent, isReadOnly: own.isReadOnly)
        program.open(through: entranceEndpoints, areRouters: true)
        guard let torrent else { return }
        // What it has is announced as soon as it knows its neighbours.
        program.onEvent = { [torrents, weak program] event in
            guard case .joined(let count) = event, count > 0, let program else { return }
            program.onEvent = nil
            program.start(.publish(.peer(infoHash: torrents[torrent], port: nil), keep: .own))
        }
    }

    private func publishItem(_ number: Int) {
        var seed = world.stream("item", number)
        guard let key = SigningKey(seed: seed.bytes(32)), let program = slots[number]?.program,
            let item = try? MutableItem.signed(value: Array("12:Hello World!".utf8), sequence: 1, by: key)
        else { return }
        items.append(item)
        world.plan(after: .seconds(60)) { program.start(.publish(.mutable(item), keep: .own)) }
    }

    // MARK: - What is true

    /// Whether the node at this endpoint is on and has announced that torrent.
    func isMember(_ endpoint: Endpoint, of torrent: Int) -> Bool {
        guard let index = world.network.owner(of: endpoint.address) else { return false }
        let number = index - Self.entranceCount
        guard slots.indices.contains(number) else { return false }
        return slots[number]?.torrent == torrent
    }

    func memberCount(of torrent: Int) -> Int { slots.lazy.filter { $0?.torrent == torrent }.count }

    /// The node closest to a target of those that answer strangers.
    func closest(to target: NodeID) -> NodeID? {
        var best: NodeID?
        for slot in slots {
            guard let slot, !slot.isReadOnly, slot.program.host.translation == .none else { continue }
            let id = slot.program.node.id
            if best.map({ id ^ target < $0 ^ target }) ?? true { best = id }
        }
        return best
    }

    /// A node that has been on for a minute.
    func settled(using random: inout RandomStream) -> DHTProgram? {
        for _ in 0..<64 {
            if let slot = slots[random.below(nodes)], world.now - slot.began >= .seconds(60) { return slot.program }
        }
        return nil
    }
}
