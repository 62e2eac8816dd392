// SPDX-License-Identifier: Apache-2.0
internal import HeapModule
internal import Keys
internal import TestSupport
internal import Wire

@testable internal import Kademlia

/// Many nodes in one process, with virtual time: datagrams take 10 to 50 ms and arrive in the order of their times.
final class VirtualNetwork {
    /// A machine is not copyable, so each lives in a box.
    final class Box {
        var node: DHTNode
        var isSilent = false
        init(_ node: consuming DHTNode) { self.node = node }
    }

    private enum Happening {
        case datagram([UInt8], from: Int, to: Int)
        case wake(Int)
    }

    private struct Entry: Comparable {
        let time: Instant
        let order: Int
        let happening: Happening
        static func < (left: Entry, right: Entry) -> Bool { (left.time, left.order) < (right.time, right.order) }
        static func == (left: Entry, right: Entry) -> Bool { left.order == right.order }
    }

    private(set) var now = Instant.zero
    private(set) var boxes: [Box] = []
    private(set) var datagrams = 0
    var loss = 0.0
    var outcomes: [CommandID: (outcome: DHTOutcome, at: Instant)] = [:]
    var progress: [CommandID: [DHTProgress]] = [:]
    var events: [(node: Int, event: DHTEvent)] = []
    /// Signs what a node says to its zone; the wall clock shows ``wall`` at time zero.
    var announcer: ((Int, PeerRecordRequest) -> PeerRecord?)?
    static let wall: UInt64 = 1_800_000_000
    private var queue = Heap<Entry>()
    private var wakes: [Instant?] = []
    private var order = 0
    private var random: SplitMix64
    private var command: CommandID = 0

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    static func endpoint(_ index: Int) -> Endpoint { Endpoint(.v4(0x0A00_0001 + UInt32(index)), port: 6881) }

    private func index(of endpoint: Endpoint) -> Int? {
        guard case .v4(let value) = endpoint.address, value >= 0x0A00_0001 else { return nil }
        let index = Int(value - 0x0A00_0001)
        return index < boxes.count && endpoint.port == 6881 ? index : nil
    }

    @discardableResult
    func add(_ configure: (inout DHTConfiguration) -> Void = { _ in }, through entrance: Int? = nil) -> Int {
        let index = boxes.count
        var configuration = DHTConfiguration()
        configuration.localAddresses = [Self.endpoint(index).address]
        configuration.localPort = 6881
        configure(&configuration)
        boxes.append(Box(DHTNode(configuration: configuration, seed: random.bytes(32), now: now)))
        wakes.append(nil)
        act(index, boxes[index].node.tick(now: now))
        if let entrance { act(index, boxes[index].node.join(through: [Self.endpoint(entrance)], now: now)) }
        return index
    }

    /// `count` nodes that join one after the other through nodes that are there already.
    func grow(to count: Int, every pause: Duration = .milliseconds(20)) {
        if boxes.isEmpty { add() }
        while boxes.count < count {
            add(through: Int.random(in: 0..<boxes.count, using: &random))
            run(for: pause)
        }
    }

    /// `count` nodes whose tables are as after hours of traffic: joining costs a hundred datagrams a node, and debug builds
    /// some 50 µs for each.
    func settle(_ count: Int) {
        for _ in 0..<count { add() }
        let order = boxes.indices.sorted { boxes[$0].node.id < boxes[$1].node.id }
        for (place, index) in order.enumerated() {
            // Neighbours in the order of ids share most leading bits; the others are met by chance.
            let near = (max(0, place - 8)...min(count - 1, place + 8)).map { order[$0] }
            let far = (0..<64).map { _ in Int.random(in: 0..<count, using: &random) }
            for other in near + far where other != index {
                let contact = Contact(id: boxes[other].node.id, endpoint: Self.endpoint(other))
                _ = boxes[index].node.tables[0].answered(contact, now: now)
            }
        }
    }

    func randomID() -> NodeID { .random(using: &random) }
    func randomNode() -> Int { Int.random(in: 0..<boxes.count, using: &random) }

    func start(_ request: DHTCommand, at index: Int) -> CommandID {
        command += 1
        act(index, boxes[index].node.start(request, id: command, now: now))
        return command
    }

    /// Runs the command to its end and says what came of it and how long it took.
    func perform(_ request: DHTCommand, at index: Int) -> (outcome: DHTOutcome, took: Duration)? {
        let begun = now
        let id = start(request, at: index)
        let deadline = now + .seconds(30)
        while outcomes[id] == nil, now < deadline, step(until: deadline) {}
        return outcomes[id].map { ($0.outcome, $0.at - begun) }
    }

    func run(for time: Duration) {
        let end = now + time
        while step(until: end) {}
        now = end
    }

    func act(_ index: Int, _ actions: [DHTNode.Action]) {
        var requests: [PeerRecordRequest] = []
        for action in actions {
            switch action {
            case .send(let bytes, let endpoint): deliver(bytes, from: index, to: endpoint)
            case .wake(let time):
                wakes[index] = time
                plan(.wake(index), at: time)
            case .progress(let id, let value): progress[id, default: []].append(value)
            case .finished(let id, let outcome): outcomes[id] = (outcome, now)
            case .event(.peerRecordDue(let request)): requests.append(request)
            case .event(let event): events.append((index, event))
            }
        }
        for request in requests { announce(announcer?(index, request), by: index) }
    }

    var wallTime: UInt64 { Self.wall + UInt64(clamping: now.components.seconds) }

    func announce(_ record: PeerRecord?, by index: Int) {
        act(index, boxes[index].node.announce(record, wall: wallTime, now: now))
    }

    private func deliver(_ bytes: [UInt8], from index: Int, to endpoint: Endpoint) {
        datagrams += 1
        guard let target = self.index(of: endpoint), loss == 0 || Double.random(in: 0..<1, using: &random) >= loss
        else { return }
        plan(
            .datagram(bytes, from: index, to: target),
            at: now + .microseconds(Int.random(in: 10_000...50_000, using: &random))
        )
    }

    private func plan(_ happening: Happening, at time: Instant) {
        order += 1
        queue.insert(Entry(time: time, order: order, happening: happening))
    }

    /// The next happening before `end`; false when there is none.
    private func step(until end: Instant) -> Bool {
        guard let next = queue.min, next.time <= end else { return false }
        queue.removeMin()
        now = max(now, next.time)
        switch next.happening {
        case .datagram(let bytes, let source, let target):
            guard !boxes[target].isSilent else { return true }
            act(target, boxes[target].node.receive(bytes, from: Self.endpoint(source), now: now))
        case .wake(let index):
            guard wakes[index] == next.time, !boxes[index].isSilent else { return true }
            wakes[index] = nil
            act(index, boxes[index].node.tick(now: now))
        }
        return true
    }
}
